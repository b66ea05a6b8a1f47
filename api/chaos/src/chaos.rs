//! Everything goes wrong, again and again, while clients upload.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::children::Death;
use crate::documents::Mix;
use crate::faults::{InjectedFault, Targets};
use crate::findings::{ClientRecord, Findings, verdict};
use crate::journal::Journal;
use crate::load::{self, Workload};
use crate::output;
use crate::plan::{APIS, Plan};
use crate::test_bed::TestBed;
use crate::timeline::Spread;

/// Unfinished tasks at which clients hold back, so that faults meet tasks in
/// every state and not only a heap that waits.
const BACKLOG_MAX: u64 = 60;

/// The campaign from the first server to the last check.
///
/// # Errors
/// When a server can't be started, or does not come back.
pub(crate) async fn run(plan: &Plan, home: &Path) -> anyhow::Result<ExitCode> {
    let began = Instant::now();
    let bed = TestBed::start(plan, home, (APIS, plan.workers), &plan.faults).await?;
    let (seen, injected) = play(plan, &bed).await;
    let mut findings = Findings::default();
    findings.add("every fault can be undone", injected.iter().filter_map(|one| one.stuck.clone()));
    bed.settle(&mut findings).await?;
    let took = began.elapsed();
    let journal = bed.judge(&seen, &mut findings).await?;
    if plan.keep {
        bed.keep().await;
    }
    let report = Report { plan, took, seen, injected, journal, findings };
    if plan.json {
        output::json(&report.json());
    } else {
        report.print();
    }
    Ok(verdict(&report.findings.violations))
}

/// Clients and faults at the same time, until all is accepted or time is up.
async fn play(plan: &Plan, bed: &TestBed) -> (ClientRecord, Vec<InjectedFault>) {
    let (each_struck, enough) = (CancellationToken::new(), CancellationToken::new());
    let workload = Workload { seed: plan.seed, tasks: plan.tasks, mix: Mix::All, backlog_max: BACKLOG_MAX };
    let clients = async {
        let uploading = load::run(workload, bed, (&each_struck, &enough));
        tokio::pin!(uploading);
        let seen = tokio::select! {
            seen = &mut uploading => seen,
            () = tokio::time::sleep(plan.limit) => { enough.cancel(); uploading.await }
        };
        enough.cancel();
        seen
    };
    let targets = Arc::new(Targets::new(Arc::clone(&bed.servers), Arc::clone(&bed.children)));
    tokio::join!(clients, targets.suffer(plan.seed, &plan.faults, (&each_struck, &enough)))
}

/// What came of it.
struct Report<'a> {
    plan: &'a Plan,
    took: Duration,
    seen: ClientRecord,
    injected: Vec<InjectedFault>,
    journal: Journal,
    findings: Findings,
}

impl Report<'_> {
    fn injected_by_kind(&self) -> BTreeMap<&'static str, usize> {
        let mut kinds = BTreeMap::new();
        for one in &self.injected {
            *kinds.entry(one.fault.name()).or_default() += 1;
        }
        kinds
    }

    /// From a worker's kill -9 until nothing was its any more.
    fn rescues(&self) -> Spread {
        let deaths = self.injected.iter().flat_map(|one| &one.deaths);
        let rescue = |death: &Death| {
            let process = death.worker.as_ref()?;
            let of_process = self.journal.last_lost.iter().filter(|(worker, _)| worker.starts_with(process));
            Some(of_process.map(|(_, at)| at.0).max()? - death.killed_at.0)
        };
        Spread::of(deaths.filter_map(rescue).collect())
    }

    fn json(&self) -> Value {
        let Self { plan, took, seen, injected, journal, findings } = self;
        let counts = &journal.counts;
        let one = |one: &InjectedFault| {
            json!({
                "fault": one.fault.name(), "target": one.target, "atMs": one.at.0,
                "lastedMs": u64::try_from(one.lasted.as_millis()).unwrap_or(u64::MAX),
            })
        };
        json!({
            "seed": plan.seed,
            "seconds": took.as_secs_f64(),
            "faults": plan.faults.iter().map(|group| group.name()).collect::<Vec<_>>(),
            "workers": plan.workers,
            "accepted": seen.accepted.len(),
            "untold": findings.untold,
            "runs": journal.runs,
            "exhausted": journal.exhausted.len(),
            "answers": seen.answers,
            "repeated": seen.repeated,
            "pages": counts.pages,
            "results": findings.results,
            "events": journal.events,
            "attempts": counts.attempts,
            "pageAttempts": counts.page_attempts,
            "failed": counts.failed,
            "rescued": counts.lost,
            "handedBack": counts.handed_back,
            "retries": counts.retries,
            "ownerlessUploads": findings.ownerless_uploads,
            "strikes": injected.iter().map(one).collect::<Vec<_>>(),
            "strikesByKind": self.injected_by_kind(),
            "usualRate": journal.timeline.usual_rate(),
            "rescue": self.rescues(),
            "recovery": journal.timeline.recoveries(injected),
            "violations": findings.violations,
        })
    }

    fn print(&self) {
        let Self { plan, took, seen, injected, journal, findings } = self;
        let counts = &journal.counts;
        let line = |text: String| output::line(&text);
        line(format!("seed {}, {} workers, {:.1} s", plan.seed, plan.workers, took.as_secs_f64()));
        line(format!(
            "{} tasks accepted, {} more that nobody was told of; {} pages, {} results compared with their hash",
            seen.accepted.len(),
            findings.untold,
            counts.pages,
            findings.results
        ));
        line(format!(
            "{} attempts, {} of pages: {} failed, {} lost with their worker and rescued, {} handed back; {} retries",
            counts.attempts,
            counts.page_attempts,
            counts.failed,
            counts.lost,
            counts.handed_back,
            counts.retries
        ));
        line(format!("{} tasks became dead letters, their budgets spent", journal.exhausted.len()));
        let answers: Vec<String> = seen.answers.iter().map(|(status, n)| format!("{status}: {n}")).collect();
        line(format!(
            "answers to clients (0: none): {}; {} repetitions were the same task; {} uploads belong to no task",
            answers.join(", "),
            seen.repeated,
            findings.ownerless_uploads
        ));
        let rescue = self.rescues();
        line(format!(
            "{} faults; the claims of {} killed workers were rescued in p50 {} ms, max {} ms",
            injected.len(),
            rescue.n,
            rescue.p50_ms,
            rescue.max_ms
        ));
        self.print_recoveries();
    }

    fn print_recoveries(&self) {
        let row = |kind: &str, n: &str, first: &str, full: &str| {
            output::line(&format!("{kind:<18}{n:>5}{first:>26}{full:>26}"));
        };
        let rate = self.journal.timeline.usual_rate();
        output::line(&format!(
            "milliseconds from a fault to the next outcome, and to the usual {rate:.0} a second:"
        ));
        row("", "n", "p50/p99/max", "p50/p99/max");
        let kinds = self.injected_by_kind();
        for (kind, recovery) in self.journal.timeline.recoveries(&self.injected) {
            let spread = |s: Spread| format!("{}/{}/{}", s.p50_ms, s.p99_ms, s.max_ms);
            let n = kinds.get(kind).copied().unwrap_or_default().to_string();
            row(kind, &n, &spread(recovery.first_commit), &spread(recovery.full_throughput));
        }
    }
}
