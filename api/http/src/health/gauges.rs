//! What stands in the journal, counted when somebody asks.

use std::time::Duration;

use metrics::gauge;
use tokio::time::timeout;
use untxt_engine::engine::Engine;
use untxt_engine::journal::dead_letters::{DeadLetterFilter, DeadLetterStatus, ReasonKind};
use untxt_engine::journal::inspect::Backlog;
use untxt_engine::journal::{JournalError, WorkerInfo};
use untxt_engine::time::Timestamp;
use untxt_workflows::platform::Platform;

/// How long the journal may take to count.
const PATIENCE: Duration = Duration::from_secs(2);

const REASONS: [(&str, ReasonKind); 4] = [
    ("permanent", ReasonKind::Permanent),
    ("budget_spent", ReasonKind::BudgetSpent),
    ("elapsed_limit", ReasonKind::ElapsedLimit),
    ("unreadable", ReasonKind::Unreadable),
];

/// Sets the gauges to what stands in the journal. Where it does not answer they
/// are set to NaN: what was true some time ago is not to be taken for now.
pub(super) async fn measure(platform: &Platform) {
    let engine = platform.records.engine();
    let lease = platform.settings().lease;
    let queues: Vec<&str> = engine.workflows().collect();
    for name in queues {
        queue(name, in_time(engine.backlog(name)).await, engine.now());
    }
    for (word, reason) in REASONS {
        let waiting = in_time(letters(engine, reason)).await;
        gauge!("untxt_dead_letters_waiting", "reason" => word).set(number(waiting));
    }
    let retries = in_time(engine.retries(1, 0)).await.map(|(_, total)| total);
    gauge!("untxt_retries_waiting").set(number(retries));
    let workers = in_time(engine.workers()).await;
    let now = engine.now();
    for (word, silent) in [("alive", false), ("silent", true)] {
        let of_state = |row: &&WorkerInfo| (now.since(row.heartbeat_at) > lease) == silent;
        let count = workers.as_ref().map(|rows| rows.iter().filter(of_state).count() as u64);
        gauge!("untxt_workers", "state" => word).set(number(count));
    }
}

fn queue(name: &str, backlog: Option<Backlog>, now: Timestamp) {
    let depth = |state: &'static str, count: Option<u64>| {
        gauge!("untxt_queue_depth", "queue" => name.to_owned(), "state" => state).set(number(count));
    };
    depth("ready", backlog.map(|backlog| backlog.ready));
    depth("scheduled", backlog.map(|backlog| backlog.scheduled));
    depth("held", backlog.map(|backlog| backlog.held));
    let age =
        backlog.map(|backlog| backlog.oldest_due_at.map_or(0.0, |due_at| now.since(due_at).as_secs_f64()));
    gauge!("untxt_queue_oldest_age_seconds", "queue" => name.to_owned()).set(age.unwrap_or(f64::NAN));
}

async fn letters(engine: &Engine, reason: ReasonKind) -> Result<u64, JournalError> {
    let state = Some(DeadLetterStatus::Waiting);
    let filter = DeadLetterFilter { state, reason: Some(reason), ..DeadLetterFilter::default() };
    Ok(engine.dead_letters(&filter, 1, 0).await?.1)
}

async fn in_time<T>(asked: impl Future<Output = Result<T, JournalError>>) -> Option<T> {
    timeout(PATIENCE, asked).await.ok()?.ok()
}

/// As a gauge has it; beyond 2^53 it would not be exact.
fn number(count: Option<u64>) -> f64 {
    count.map_or(f64::NAN, |count| f64::from(u32::try_from(count).unwrap_or(u32::MAX)))
}
