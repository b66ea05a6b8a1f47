//! The one fault that queues are compared by: many tasks, one worker, one kill
//! -9 half way and a restart at once; and the same with Redis.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::anyhow;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use untxt_engine::time::{Clock, SystemClock, Timestamp};
use untxt_stack::redis::Redis;

use crate::children::Role;
use crate::documents::Mix;
use crate::findings::{Findings, verdict};
use crate::journal::Journal;
use crate::load::{self, Workload};
use crate::plan::Plan;
use crate::test_bed::TestBed;
use crate::{output, progress};

/// Tasks of one page.
const TASKS: usize = 500;

/// Within this time of the restart everything that was under way is begun again.
const BEGUN_AGAIN_WITHIN_MS: i64 = 5_000;

/// Who is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Victim {
    Worker,
    Redis,
}

/// Both scenarios, one after the other, each with servers of its own.
///
/// # Errors
/// When a server can't be started, or does not come back.
pub(crate) async fn run(plan: &Plan, home: &Path) -> anyhow::Result<ExitCode> {
    let mut violations = Vec::new();
    for victim in [Victim::Worker, Victim::Redis] {
        let name = if victim == Victim::Worker { "worker" } else { "redis" };
        let mut findings = Findings::default();
        let report = play(victim, plan, &home.join(name), &mut findings).await?;
        if plan.json {
            output::json(&report.json(name));
        } else {
            report.print(name);
        }
        violations.append(&mut findings.violations);
    }
    Ok(verdict(&violations))
}

async fn play(
    victim: Victim,
    plan: &Plan,
    home: &Path,
    findings: &mut Findings,
) -> anyhow::Result<KillReport> {
    std::fs::create_dir_all(home)?;
    let bed = TestBed::start(plan, home, (1, 1), &[]).await?;
    let workload = Workload { seed: plan.seed, tasks: TASKS, mix: Mix::OnePage, backlog_max: u64::MAX };
    let (at_once, never) = (CancellationToken::new(), CancellationToken::new());
    at_once.cancel();
    let clients = load::run(workload, &bed, (&at_once, &never));
    let (seen, report) = tokio::join!(clients, kill(victim, &bed));
    let (killed_at, back_at, left) = report?;
    bed.settle(findings).await?;
    let journal = bed.judge(&seen, findings).await?;
    if plan.keep {
        bed.keep().await;
    }
    let report = KillReport { killed_at, back_at, left, journal };
    let late = report.begun_again_ms().filter(|ms| *ms > BEGUN_AGAIN_WITHIN_MS);
    findings.add("what was under way is begun again within 5 s", late.map(|ms| format!("it took {ms} ms")));
    Ok(report)
}

/// Waits until half is done, and kills the victim: when, when it was back, and how many
/// tasks were left.
async fn kill(victim: Victim, bed: &TestBed) -> anyhow::Result<(Timestamp, Timestamp, usize)> {
    let done = progress::ended(&bed.database, TASKS as u64 / 2).await;
    let done = done.ok_or_else(|| anyhow!("the service stood still before it was struck"))?;
    let left = TASKS.saturating_sub(usize::try_from(done).unwrap_or_default());
    let gone = || anyhow!("there is no worker to kill");
    match victim {
        Victim::Worker => {
            let worker = bed.children.with_role(Role::Worker).next().ok_or_else(gone)?;
            let death = worker.kill(Duration::ZERO).await.ok_or_else(gone)?;
            Ok((death.killed_at, death.started_at, left))
        }
        Victim::Redis => {
            let killed_at = SystemClock.now();
            bed.servers.with_redis(Redis::kill).await.map_err(anyhow::Error::msg)?;
            bed.servers.with_redis(Redis::restart).await.map_err(anyhow::Error::msg)?;
            Ok((killed_at, SystemClock.now(), left))
        }
    }
}

/// What came of it.
struct KillReport {
    killed_at: Timestamp,
    back_at: Timestamp,
    left: usize,
    journal: Journal,
}

impl KillReport {
    fn first_ms(&self) -> Option<i64> {
        self.journal.timeline.first_after(self.back_at)
    }

    fn done_ms(&self) -> i64 {
        self.journal.timeline.last().0 - self.back_at.0
    }

    /// From the restart until the last claim that was lost was claimed again.
    fn begun_again_ms(&self) -> Option<i64> {
        Some(self.journal.last_begun_again?.0 - self.back_at.0)
    }

    /// What the tasks that were left take at the rate before the report.
    fn work_ms(&self) -> f64 {
        let done = TASKS - self.left;
        let before = self.killed_at.since(self.journal.timeline.first()).as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
        let left = before * self.left as f64 / done.max(1) as f64;
        left * 1_000.0
    }

    fn json(&self, victim: &str) -> Value {
        json!({
            "victim": victim, "tasks": self.journal.runs, "left": self.left,
            "downMs": self.back_at.0 - self.killed_at.0, "lost": self.journal.counts.lost,
            "firstOutcomeMs": self.first_ms(), "begunAgainMs": self.begun_again_ms(),
            "allDoneMs": self.done_ms(), "workLeftMs": self.work_ms(),
        })
    }

    fn print(&self, victim: &str) {
        let ms = |ms: Option<i64>| ms.map_or_else(|| "none".to_owned(), |ms| format!("{ms} ms"));
        output::line(&format!(
            "{victim} killed with {} of {} tasks left, back after {} ms; then: next outcome {}, \
             {} lost claims begun again {}, all done {} ms (the work that was left: {:.0} ms)",
            self.left,
            self.journal.runs,
            self.back_at.0 - self.killed_at.0,
            ms(self.first_ms()),
            self.journal.counts.lost,
            ms(self.begun_again_ms()),
            self.done_ms(),
            self.work_ms()
        ));
    }
}
