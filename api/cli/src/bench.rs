//! `untxt bench`: workflows of four small steps through the whole engine, over
//! the services that are configured.

mod cost;
mod work;

use std::num::NonZeroUsize;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use untxt_engine::engine::Engine;
use untxt_engine::id::RunId;
use untxt_engine::journal::database::Database;
use untxt_engine::journal::sql::SqlJournal;
use untxt_engine::new_run::NewRun;
use untxt_engine::state::RunStatus;
use untxt_engine::time::SystemClock;
use untxt_engine::worker::WorkerConfig;
use untxt_engine::workflow::Workflows;
use untxt_settings::Config;
use untxt_workflows::records;

use crate::failure::Failure;
use crate::{output, start};
use cost::Cpu;

const WORKFLOW: &str = "bench";

#[derive(Debug, Args)]
pub(crate) struct BenchArguments {
    /// Number of runs.
    #[arg(long, default_value_t = 2_000)]
    pub(crate) runs: usize,
    /// Concurrent runs.
    #[arg(long, default_value_t = 32)]
    pub(crate) concurrency: usize,
    /// Keep the runs in the journal, to measure a full one.
    #[arg(long)]
    pub(crate) keep: bool,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

pub(crate) async fn run(arguments: &BenchArguments) -> Result<ExitCode, Failure> {
    if arguments.runs == 0 || arguments.concurrency == 0 {
        return Err(Failure::usage("--runs and --concurrency are at least 1"));
    }
    let config = start::config("error")?;
    let database = start::database(&config).await?;
    let fdatasync_ms = cost::fdatasync_ms(&config.data_dir).map_err(Failure::work)?;
    let files = tempfile::tempdir_in(&config.data_dir).map_err(Failure::work)?;
    let begun = work::Begun::default();
    let engine = engine(&config, &database, files.path(), begun.clone())?;
    let shutdown = CancellationToken::new();
    let worker = {
        let (engine, shutdown) = (engine.clone(), shutdown.clone());
        // As many slots as runs: what is waited for is the engine, not a place.
        let concurrency = NonZeroUsize::new(arguments.concurrency).unwrap_or(NonZeroUsize::MIN);
        let settings = WorkerConfig { concurrency, ..WorkerConfig::default() };
        tokio::spawn(async move { engine.run_worker(settings, shutdown).await })
    };
    // Connections, statements and pages of the database are warm after these.
    load(&engine, &begun, arguments.concurrency, arguments.concurrency).await?;
    let cpu_before = Cpu::now();
    let began = Instant::now();
    let times = load(&engine, &begun, arguments.runs, arguments.concurrency).await?;
    let wall = began.elapsed();
    let cpu = Cpu::now().since(cpu_before);
    for times in times.iter().filter(|_| !arguments.keep) {
        engine.erase(times.run, Vec::new()).await?;
    }
    shutdown.cancel();
    worker.await.map_err(Failure::work)??;
    let sorted = |of: fn(&Times) -> Duration| {
        let mut all: Vec<Duration> = times.iter().map(of).collect();
        all.sort();
        all
    };
    let (to_first_step, to_end) = (sorted(|times| times.to_first_step), sorted(|times| times.to_end));
    report(arguments, &config, &Measured { to_first_step, to_end, wall, cpu, fdatasync_ms });
    Ok(ExitCode::SUCCESS)
}

fn engine(config: &Config, database: &Database, files: &Path, begun: work::Begun) -> Result<Engine, Failure> {
    let workflow = work::workflow(WORKFLOW, files, begun).map_err(Failure::work)?;
    let workflows = Workflows::new([workflow]).map_err(Failure::work)?;
    let clock = Arc::new(SystemClock);
    let journal = Arc::new(SqlJournal::new(database.clone(), workflows, clock.clone(), rand::random::<f64>));
    let queue = records::queue(config.settings.redis_url.as_deref(), clock).map_err(Failure::usage)?;
    Ok(Engine::builder(journal, queue).build())
}

/// How long a run took, from its submission.
struct Times {
    run: RunId,
    to_first_step: Duration,
    to_end: Duration,
}

/// Submits and waits, so many at once.
async fn load(
    engine: &Engine,
    begun: &work::Begun,
    runs: usize,
    concurrency: usize,
) -> Result<Vec<Times>, Failure> {
    let next = Arc::new(AtomicUsize::new(0));
    let clients = (0..concurrency).map(|_| {
        let (engine, begun, next) = (engine.clone(), begun.clone(), Arc::clone(&next));
        tokio::spawn(async move {
            let mut times = Vec::new();
            while next.fetch_add(1, Ordering::Relaxed) < runs {
                times.push(one(&engine, &begun).await?);
            }
            Ok::<_, Failure>(times)
        })
    });
    let mut all = Vec::with_capacity(runs);
    for client in clients.collect::<Vec<_>>() {
        all.extend(client.await.map_err(Failure::work)??);
    }
    Ok(all)
}

async fn one(engine: &Engine, begun: &work::Begun) -> Result<Times, Failure> {
    let id = RunId::new();
    let submitted = Instant::now();
    let run = NewRun { id, ..NewRun::new(WORKFLOW, "bench", Value::Null) };
    let ended = engine.execute(run).await?;
    if ended.status != RunStatus::Completed {
        return Err(Failure::work(format!("run {id} ended as {}", ended.status.as_str())));
    }
    let to_end = submitted.elapsed();
    let to_first_step = begun.take(id).map_or(to_end, |begun| begun - submitted);
    Ok(Times { run: id, to_first_step, to_end })
}

struct Measured {
    /// Sorted, as is the other.
    to_first_step: Vec<Duration>,
    to_end: Vec<Duration>,
    wall: Duration,
    cpu: Cpu,
    fdatasync_ms: f64,
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn report(arguments: &BenchArguments, config: &Config, measured: &Measured) {
    let Measured { to_first_step, to_end, wall, cpu, fdatasync_ms } = measured;
    let percentile =
        |times: &[Duration], part: usize| times[(times.len() - 1) * part / 100].as_secs_f64() * 1_000.0;
    let runs = to_end.len();
    let rate = runs as f64 / wall.as_secs_f64();
    let journal = config.database_url.split(':').next().unwrap_or_default();
    let queue = if config.settings.redis_url.is_some() { "redis" } else { "in-process" };
    let rss = cost::peak_rss_mib();
    if arguments.json {
        output::json(&json!({
            "runs": runs, "concurrency": arguments.concurrency, "journal": journal, "queue": queue,
            "seconds": wall.as_secs_f64(), "runsPerSecond": rate, "p50Ms": percentile(to_end, 50),
            "p99Ms": percentile(to_end, 99), "firstStepP99Ms": percentile(to_first_step, 99),
            "cpuSeconds": cpu.own, "postgresCpuSeconds": cpu.postgres, "redisCpuSeconds": cpu.redis,
            "peakRssMib": rss, "fdatasyncP50Ms": fdatasync_ms,
        }));
        return;
    }
    let concurrency = arguments.concurrency;
    output::line(&format!(
        "{runs} runs of 4 steps, {concurrency} at once, journal in {journal}, queue {queue}"
    ));
    output::line(&format!("{rate:>10.0} runs/s"));
    output::line(&format!("{:>10.2} ms p50 from submission to end", percentile(to_end, 50)));
    output::line(&format!("{:>10.2} ms p99", percentile(to_end, 99)));
    output::line(&format!(
        "{:>10.2} ms p99 from submission to the first step",
        percentile(to_first_step, 99)
    ));
    output::line(&format!("{:>10.2} s CPU of this process", cpu.own));
    output::line(&format!("{:>10.2} s CPU of PostgreSQL on this machine", cpu.postgres));
    output::line(&format!("{:>10.2} s CPU of Redis on this machine", cpu.redis));
    output::line(&format!("{rss:>10.1} MiB peak RSS"));
    output::line(&format!("{fdatasync_ms:>10.2} ms p50 of an fdatasync in the data directory"));
}
