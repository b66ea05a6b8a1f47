//! The state of the service in one answer, for operators who keep it open.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::{Duration, Instant};

use chrono::DateTime;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::time::timeout;
use untxt_engine::controls::Controls;
use untxt_engine::journal::dead_letters::{DeadLetterFilter, DeadLetterStatus};
use untxt_engine::journal::inspect::Backlog;
use untxt_engine::time::Timestamp;
use untxt_workflows::ended_tasks::EndedTasks;
use untxt_workflows::platform::Platform;

use crate::dead_letters;
use crate::error::ApiError;
use crate::health::checks::Checks;
use crate::views::millis;

/// How long an overview is told again: however many look at it, it is made once a second
/// in a process.
const FRESH_FOR: Duration = Duration::from_secs(1);

/// The same for causes of dead letters, for which all that wait are read.
const GROUPS_FRESH_FOR: Duration = Duration::from_secs(5);

/// How long it may take to make: longer than any of its statements on a busy database.
const MADE_WITHIN: Duration = Duration::from_secs(10);

/// Minutes that are counted.
const MINUTES: i64 = 60;

/// Of these the last ones are counted again each time: what ended in them may be committed
/// later.
const MINUTES_OPEN: i64 = 2;

const MINUTE_MS: i64 = 60_000;

/// Causes of dead letters, and acts of operators, that are shown.
const GROUPS_MAX: u32 = 3;
const ACTS_MAX: u32 = 5;

/// Work that waits for longer than this while workers are alive is more than they can do.
const OVERLOADED_AFTER: Duration = Duration::from_secs(5 * 60);

/// The last overview.
#[derive(Default)]
pub struct Overview {
    last: Mutex<Last>,
}

#[derive(Default)]
struct Last {
    made: Option<(Instant, Value)>,
    /// The most frequent causes of dead letters, and when they were counted.
    groups: Option<(Instant, Vec<Value>)>,
    /// What ended in each minute, by its number since 1970.
    minutes: BTreeMap<i64, EndedTasks>,
}

/// What the sentence is about.
struct Found<'a> {
    checks: &'a Checks,
    backlog: Backlog,
    age: Option<Duration>,
    alive: usize,
    draining: usize,
    silent: usize,
    waiting: u64,
    paused: usize,
}

impl Overview {
    /// The overview, as it was a second ago at most. Of many who ask at once one has it
    /// made.
    ///
    /// # Errors
    /// 503 when the database does not answer, or not in time.
    pub async fn get(&self, platform: &Platform, checks: &Checks) -> Result<Value, ApiError> {
        let mut last = self.last.lock().await;
        if let Some((at, overview)) = &last.made
            && at.elapsed() < FRESH_FOR
        {
            return Ok(overview.clone());
        }
        let made = timeout(MADE_WITHIN, Box::pin(make(platform, checks, &mut last))).await;
        let overview = made.unwrap_or_else(|_| Err(ApiError::away_for_now("database")))?;
        last.made = Some((Instant::now(), overview.clone()));
        Ok(overview)
    }
}

async fn make(platform: &Platform, checks: &Checks, last: &mut Last) -> Result<Value, ApiError> {
    let engine = platform.records.engine();
    let (now, lease) = (engine.now(), platform.settings().lease);
    count(platform, &mut last.minutes, now).await?;
    let mut backlog = Backlog::default();
    for name in engine.workflows() {
        let of_one = engine.backlog(name).await?;
        backlog.ready += of_one.ready;
        backlog.scheduled += of_one.scheduled;
        backlog.held += of_one.held;
        backlog.oldest_due_at = [backlog.oldest_due_at, of_one.oldest_due_at].into_iter().flatten().min();
    }
    let workers = engine.workers().await?;
    let (silent, heard): (Vec<_>, Vec<_>) =
        workers.iter().partition(|row| now.since(row.heartbeat_at) > lease);
    let draining = heard.iter().filter(|row| row.draining).count();
    let waiting = DeadLetterFilter { state: Some(DeadLetterStatus::Waiting), ..DeadLetterFilter::default() };
    let (_, letters) = engine.dead_letters(&waiting, 0, 0).await?;
    let groups = match &last.groups {
        Some((at, groups)) if at.elapsed() < GROUPS_FRESH_FOR => groups.clone(),
        _ => {
            let groups = engine.dead_letter_groups(&waiting, GROUPS_MAX).await?;
            let groups: Vec<Value> = groups.iter().map(dead_letters::group).collect();
            last.groups = Some((Instant::now(), groups.clone()));
            groups
        }
    };
    let (_, retries) = engine.retries(1, 0).await?;
    let acts = engine.audited(None, ACTS_MAX).await?;
    let age = backlog.oldest_due_at.map(|at| now.since(at));
    let found = Found {
        checks,
        backlog,
        age,
        alive: heard.len() - draining,
        draining,
        silent: silent.len(),
        waiting: letters,
        paused: paused(&engine.controls().await?),
    };
    let per_minute = last.minutes.iter().map(|(minute, ended)| {
        json!({ "at": millis(Timestamp(minute * MINUTE_MS)), "done": ended.done, "failed": ended.failed })
    });
    Ok(json!({
        "asOf": millis(now),
        "sentence": sentence(&found),
        "perMinute": per_minute.collect::<Vec<_>>(),
        "queues": {
            "ready": backlog.ready,
            "scheduled": backlog.scheduled,
            "held": backlog.held,
            "oldestAgeMs": age.map(|age| age.as_millis() as u64),
        },
        "workers": { "alive": found.alive, "draining": draining, "silent": found.silent },
        "retriesWaiting": retries,
        "deadLetters": {
            "waiting": letters,
            "groups": groups,
        },
        "dependencies": checks.view(),
        "latestActs": acts.iter().map(dead_letters::audit).collect::<Vec<_>>(),
    }))
}

/// Counts what ended in the last hour, but for minutes that were counted before.
async fn count(
    platform: &Platform,
    minutes: &mut BTreeMap<i64, EndedTasks>,
    now: Timestamp,
) -> Result<(), ApiError> {
    let this = now.0.div_euclid(MINUTE_MS);
    minutes.retain(|minute, _| *minute > this - MINUTES && *minute <= this - MINUTES_OPEN);
    let at = |minute: i64| DateTime::from_timestamp_millis(minute * MINUTE_MS).unwrap_or_default();
    for minute in this - MINUTES + 1..=this {
        if let Entry::Vacant(vacant) = minutes.entry(minute) {
            vacant.insert(platform.records.ended_tasks(at(minute), at(minute + 1)).await?);
        }
    }
    Ok(())
}

fn paused(controls: &Controls) -> usize {
    controls.paused_workflows.len() + controls.tenants.values().filter(|tenant| tenant.paused).count()
}

/// How the service is, and why it is not well. Each reason names the screen of the console
/// that shows more.
fn sentence(found: &Found<'_>) -> Value {
    let (mut down, mut attention) = (Vec::new(), Vec::new());
    let reason = |code: &str, text: String, link: &str| json!({ "code": code, "text": text, "link": link });
    let checks = found.checks;
    let open = found.backlog.ready + found.backlog.scheduled + found.backlog.held;
    if !checks.database || !checks.writes || !checks.migrations {
        let text = "the database can't be written to, or is not laid out for this version".to_owned();
        down.push(reason("DATABASE_DOWN", text, "#/system"));
    }
    if !checks.objects {
        down.push(reason("STORE_DOWN", "the object store does not answer".to_owned(), "#/system"));
    }
    if !checks.disk {
        let full = checks.full.join(", ");
        down.push(reason("DISK_FULL", format!("no room on the disk for: {full}"), "#/system"));
    }
    if found.alive == 0 {
        let why = if found.draining > 0 { "every worker is drained" } else { "no worker is alive" };
        let text = format!("{why}; {open} steps and pages are open");
        down.push(reason("NO_WORKER", text, "#/workers"));
    }
    if !checks.queue {
        let text = "the queue does not answer; work goes on from the database, more slowly".to_owned();
        attention.push(reason("QUEUE_DOWN", text, "#/system"));
    }
    if found.silent > 0 {
        let text = format!("{} workers are silent; others take over what they hold", found.silent);
        attention.push(reason("WORKERS_SILENT", text, "#/workers"));
    }
    if let Some(age) = found.age.filter(|age| *age > OVERLOADED_AFTER && found.alive > 0) {
        let minutes = age.as_secs() / 60;
        let text = format!("{} steps and pages are ready, the oldest for {minutes} min", found.backlog.ready);
        attention.push(reason("OVERLOADED", text, "#/queues"));
    }
    if found.paused > 0 {
        let text = format!("{} queues and users are paused", found.paused);
        attention.push(reason("PAUSED", text, "#/queues"));
    }
    if found.waiting > 0 {
        let text = format!("{} dead letters wait", found.waiting);
        attention.push(reason("DEAD_LETTERS", text, "#/letters"));
    }
    let level = match (down.is_empty(), attention.is_empty()) {
        (false, _) => "down",
        (true, false) => "attention",
        (true, true) => "well",
    };
    down.append(&mut attention);
    json!({ "level": level, "reasons": down })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(found: &Found<'_>) -> (String, Vec<String>) {
        let said = sentence(found);
        let reasons = said["reasons"].as_array().unwrap().iter();
        let codes = reasons.map(|reason| reason["code"].as_str().unwrap().to_owned()).collect();
        (said["level"].as_str().unwrap().to_owned(), codes)
    }

    #[test]
    fn no_worker_and_too_much_work_are_different_words() {
        let up = Checks::all_up();
        let well = || Found {
            checks: &up,
            backlog: Backlog { ready: 7, ..Backlog::default() },
            age: Some(Duration::from_secs(299)),
            alive: 1,
            draining: 0,
            silent: 0,
            waiting: 0,
            paused: 0,
        };
        let said =
            |level: &str, all: &[&str]| (level.to_owned(), all.iter().map(|s| (*s).to_owned()).collect());
        let old = Some(Duration::from_secs(301));
        assert_eq!(codes(&well()), said("well", &[]));
        assert_eq!(codes(&Found { age: old, ..well() }), said("attention", &["OVERLOADED"]));
        assert_eq!(codes(&Found { age: old, alive: 0, ..well() }), said("down", &["NO_WORKER"]));
        let some = Found { silent: 1, waiting: 2, paused: 1, ..well() };
        assert_eq!(codes(&some), said("attention", &["WORKERS_SILENT", "PAUSED", "DEAD_LETTERS"]));
        let full = Checks { disk: false, queue: false, full: vec!["spool"], ..up.clone() };
        assert_eq!(codes(&Found { checks: &full, ..well() }), said("down", &["DISK_FULL", "QUEUE_DOWN"]));
    }
}
