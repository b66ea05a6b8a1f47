//! `untxt bench`: workflows of four steps that do nothing, through the whole
//! engine, so that what is measured is the engine.

use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use sea_orm::DatabaseConnection;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use untxt_engine::definition::{Definition, Spread, StepDefinition};
use untxt_engine::engine::Engine;
use untxt_engine::error::StepError;
use untxt_engine::event::OnItemFailure;
use untxt_engine::id::RunId;
use untxt_engine::journal::NewRun;
use untxt_engine::journal::rows::Projection;
use untxt_engine::journal::sql::SqlJournal;
use untxt_engine::journal::workflows::Workflows;
use untxt_engine::queue::memory::MemoryQueue;
use untxt_engine::retry::RetryPolicy;
use untxt_engine::state::RunStatus;
use untxt_engine::step::{Step, StepContext, StepOutput};
use untxt_engine::time::SystemClock;
use untxt_engine::worker::WorkerConfig;
use untxt_engine::workflow::Workflow;

use crate::cli::BenchArguments;
use crate::failure::Failure;
use crate::{output, start};

const WORKFLOW: &str = "bench";

/// Writes by which the disk's own pace is told.
const SYNCS: usize = 50;

pub(crate) async fn run(arguments: &BenchArguments) -> Result<ExitCode, Failure> {
    if arguments.runs == 0 || arguments.concurrency == 0 {
        return Err(Failure::usage("--runs and --concurrency are at least 1"));
    }
    let config = start::config("error")?;
    let database = start::database(&config).await?;
    let fdatasync_ms = fdatasync(&config.data_dir).map_err(Failure::work)?;
    let engine = engine(&database)?;
    let shutdown = CancellationToken::new();
    let worker = {
        let (engine, shutdown) = (engine.clone(), shutdown.clone());
        // As many slots as runs: what is waited for is the engine, not a place.
        let concurrency = NonZeroUsize::new(arguments.concurrency).unwrap_or(NonZeroUsize::MIN);
        let settings = WorkerConfig { concurrency, ..WorkerConfig::default() };
        tokio::spawn(async move { engine.run_worker(settings, shutdown).await })
    };
    let cpu_before = cpu_seconds();
    let began = Instant::now();
    let mut waits = load(&engine, arguments).await?;
    let wall = began.elapsed();
    let cpu = cpu_seconds() - cpu_before;
    for (run, _) in &waits {
        engine.erase(*run, Vec::new()).await?;
    }
    shutdown.cancel();
    worker.await.map_err(Failure::work)??;
    waits.sort_by_key(|(_, wait)| *wait);
    let waits: Vec<Duration> = waits.into_iter().map(|(_, wait)| wait).collect();
    report(arguments, &config.database_url, &waits, wall, cpu, fdatasync_ms);
    Ok(ExitCode::SUCCESS)
}

fn engine(database: &DatabaseConnection) -> Result<Engine, Failure> {
    let step = |name| StepDefinition { name, spread: Spread::Once, policy: RetryPolicy::default() };
    let names = ["one", "two", "three", "four"];
    let definition = Definition::new(WORKFLOW, 1, names.map(step).to_vec()).map_err(Failure::work)?;
    let nothing: Arc<dyn Projection> = Arc::new(());
    let workflows = Workflows::new(vec![(definition.clone(), nothing)]);
    let clock = Arc::new(SystemClock);
    let journal = Arc::new(SqlJournal::new(database.clone(), workflows, clock.clone(), rand::random::<f64>));
    let steps: Vec<Arc<dyn Step>> = names.iter().map(|_| Arc::new(Nothing) as Arc<dyn Step>).collect();
    let queue = Arc::new(MemoryQueue::new(clock));
    Ok(Engine::builder(journal, queue).workflow(Workflow { definition, steps }).build()?)
}

struct Nothing;

#[async_trait]
impl Step for Nothing {
    async fn run(&self, _context: &StepContext) -> Result<StepOutput, StepError> {
        Ok(StepOutput::default())
    }
}

/// Submits and waits, so many at once; each run's time from submission to end.
async fn load(engine: &Engine, arguments: &BenchArguments) -> Result<Vec<(RunId, Duration)>, Failure> {
    let next = Arc::new(AtomicUsize::new(0));
    let clients = (0..arguments.concurrency).map(|_| {
        let (engine, next, runs) = (engine.clone(), Arc::clone(&next), arguments.runs);
        tokio::spawn(async move {
            let mut waits = Vec::new();
            while next.fetch_add(1, Ordering::Relaxed) < runs {
                waits.push(one(&engine).await?);
            }
            Ok::<_, Failure>(waits)
        })
    });
    let mut all = Vec::with_capacity(arguments.runs);
    for client in clients.collect::<Vec<_>>() {
        all.extend(client.await.map_err(Failure::work)??);
    }
    Ok(all)
}

async fn one(engine: &Engine) -> Result<(RunId, Duration), Failure> {
    let id = RunId::new();
    let began = Instant::now();
    let run = NewRun {
        id,
        definition: WORKFLOW,
        tenant: "bench".to_owned(),
        priority: 5,
        on_item_failure: OnItemFailure::Fail,
        input: Value::Null,
        rows: Vec::new(),
    };
    engine.submit(run).await?;
    let ended = engine.wait(id).await?;
    if ended.status != RunStatus::Completed {
        return Err(Failure::work(format!("run {id} ended as {}", ended.status.as_str())));
    }
    Ok((id, began.elapsed()))
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn report(
    arguments: &BenchArguments,
    url: &str,
    waits: &[Duration],
    wall: Duration,
    cpu: f64,
    fdatasync_ms: f64,
) {
    let percentile = |part: usize| waits[(waits.len() - 1) * part / 100].as_secs_f64() * 1_000.0;
    let rate = waits.len() as f64 / wall.as_secs_f64();
    let journal = url.split(':').next().unwrap_or_default();
    let rss = peak_rss_mib();
    if arguments.json {
        output::json(&json!({
            "runs": waits.len(), "concurrency": arguments.concurrency, "journal": journal, "queue": "in-process",
            "seconds": wall.as_secs_f64(), "runsPerSecond": rate, "p50Ms": percentile(50), "p99Ms": percentile(99),
            "cpuSeconds": cpu, "peakRssMib": rss, "fdatasyncP50Ms": fdatasync_ms,
        }));
        return;
    }
    output::line(&format!(
        "{} runs of 4 steps, {} at once, journal in {journal}, queue in process",
        waits.len(),
        arguments.concurrency
    ));
    output::line(&format!("{rate:>10.0} runs/s"));
    output::line(&format!("{:>10.2} ms p50 from submission to end", percentile(50)));
    output::line(&format!("{:>10.2} ms p99", percentile(99)));
    output::line(&format!("{cpu:>10.2} s CPU of this process"));
    output::line(&format!("{rss:>10.1} MiB peak RSS"));
    output::line(&format!("{fdatasync_ms:>10.2} ms p50 of an fdatasync in the data directory"));
}

/// Median time in milliseconds of a 4 KiB write with fdatasync: the floor under
/// every commit.
fn fdatasync(dir: &std::path::Path) -> std::io::Result<f64> {
    use std::io::Write;
    let mut file = tempfile::tempfile_in(dir)?;
    let mut times = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        let began = Instant::now();
        file.write_all(&[0; 4096])?;
        file.sync_data()?;
        times.push(began.elapsed());
    }
    times.sort();
    Ok(times[SYNCS / 2].as_secs_f64() * 1_000.0)
}

/// CPU time of this process (Linux: proc(5), clock ticks of 10 ms); 0 where the
/// system does not tell.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
    let fields: Vec<f64> =
        after_name.split(' ').skip(11).take(2).filter_map(|ticks| ticks.parse().ok()).collect();
    fields.iter().sum::<f64>() / 100.0
}

/// Most memory this process had (Linux: VmHWM of proc(5)), MiB; 0 where the
/// system does not tell.
fn peak_rss_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kib| kib.parse::<f64>().ok()).unwrap_or_default() / 1024.0
}
