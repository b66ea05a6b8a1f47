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

use sea_orm::DatabaseConnection;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use untxt_api::config::Config;
use untxt_engine::definition::{Definition, Spread, StepDefinition};
use untxt_engine::engine::Engine;
use untxt_engine::event::OnItemFailure;
use untxt_engine::id::RunId;
use untxt_engine::journal::NewRun;
use untxt_engine::journal::rows::Projection;
use untxt_engine::journal::sql::SqlJournal;
use untxt_engine::journal::workflows::Workflows;
use untxt_engine::retry::RetryPolicy;
use untxt_engine::state::RunStatus;
use untxt_engine::time::SystemClock;
use untxt_engine::worker::WorkerConfig;
use untxt_engine::workflow::Workflow;
use untxt_workflows::platform;

use crate::cli::BenchArguments;
use crate::failure::Failure;
use crate::{output, start};
use cost::Cpu;

const WORKFLOW: &str = "bench";

pub(crate) async fn run(arguments: &BenchArguments) -> Result<ExitCode, Failure> {
    if arguments.runs == 0 || arguments.concurrency == 0 {
        return Err(Failure::usage("--runs and --concurrency are at least 1"));
    }
    let config = start::config("error")?;
    let database = start::database(&config).await?;
    let fdatasync_ms = cost::fdatasync_ms(&config.data_dir).map_err(Failure::work)?;
    let files = tempfile::tempdir_in(&config.data_dir).map_err(Failure::work)?;
    let engine = engine(&config, &database, files.path())?;
    let shutdown = CancellationToken::new();
    let worker = {
        let (engine, shutdown) = (engine.clone(), shutdown.clone());
        // As many slots as runs: what is waited for is the engine, not a place.
        let concurrency = NonZeroUsize::new(arguments.concurrency).unwrap_or(NonZeroUsize::MIN);
        let settings = WorkerConfig { concurrency, ..WorkerConfig::default() };
        tokio::spawn(async move { engine.run_worker(settings, shutdown).await })
    };
    // Connections, statements and pages of the database are warm after these.
    load(&engine, arguments.concurrency, arguments.concurrency).await?;
    let cpu_before = Cpu::now();
    let began = Instant::now();
    let mut waits = load(&engine, arguments.runs, arguments.concurrency).await?;
    let wall = began.elapsed();
    let cpu = Cpu::now().since(cpu_before);
    for (run, _) in waits.iter().filter(|_| !arguments.keep) {
        engine.erase(*run, Vec::new()).await?;
    }
    shutdown.cancel();
    worker.await.map_err(Failure::work)??;
    waits.sort_by_key(|(_, wait)| *wait);
    let waits = waits.into_iter().map(|(_, wait)| wait).collect();
    report(arguments, &config, &Measured { waits, wall, cpu, fdatasync_ms });
    Ok(ExitCode::SUCCESS)
}

fn engine(config: &Config, database: &DatabaseConnection, files: &Path) -> Result<Engine, Failure> {
    let step = |name| StepDefinition { name, spread: Spread::Once, policy: RetryPolicy::default() };
    let definition = Definition::new(WORKFLOW, 1, work::NAMES.map(step).to_vec()).map_err(Failure::work)?;
    let nothing: Arc<dyn Projection> = Arc::new(());
    let workflows = Workflows::new(vec![(definition.clone(), nothing)]);
    let clock = Arc::new(SystemClock);
    let journal = Arc::new(SqlJournal::new(database.clone(), workflows, clock, rand::random::<f64>));
    let queue = platform::queue(config.settings.redis_url.as_deref()).map_err(Failure::usage)?;
    let steps = work::steps(files).map_err(Failure::work)?;
    Ok(Engine::builder(journal, queue).workflow(Workflow { definition, steps }).build()?)
}

/// Submits and waits, so many at once; each run's time from submission to end.
async fn load(engine: &Engine, runs: usize, concurrency: usize) -> Result<Vec<(RunId, Duration)>, Failure> {
    let next = Arc::new(AtomicUsize::new(0));
    let clients = (0..concurrency).map(|_| {
        let (engine, next) = (engine.clone(), Arc::clone(&next));
        tokio::spawn(async move {
            let mut waits = Vec::new();
            while next.fetch_add(1, Ordering::Relaxed) < runs {
                waits.push(one(&engine).await?);
            }
            Ok::<_, Failure>(waits)
        })
    });
    let mut all = Vec::with_capacity(runs);
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
    let ended = engine.execute(run).await?;
    if ended.status != RunStatus::Completed {
        return Err(Failure::work(format!("run {id} ended as {}", ended.status.as_str())));
    }
    Ok((id, began.elapsed()))
}

struct Measured {
    /// Sorted.
    waits: Vec<Duration>,
    wall: Duration,
    cpu: Cpu,
    fdatasync_ms: f64,
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn report(arguments: &BenchArguments, config: &Config, measured: &Measured) {
    let Measured { waits, wall, cpu, fdatasync_ms } = measured;
    let percentile = |part: usize| waits[(waits.len() - 1) * part / 100].as_secs_f64() * 1_000.0;
    let rate = waits.len() as f64 / wall.as_secs_f64();
    let journal = config.database_url.split(':').next().unwrap_or_default();
    let queue = if config.settings.redis_url.is_some() { "redis" } else { "in-process" };
    let rss = cost::peak_rss_mib();
    if arguments.json {
        output::json(&json!({
            "runs": waits.len(), "concurrency": arguments.concurrency, "journal": journal, "queue": queue,
            "seconds": wall.as_secs_f64(), "runsPerSecond": rate, "p50Ms": percentile(50), "p99Ms": percentile(99),
            "cpuSeconds": cpu.own, "postgresCpuSeconds": cpu.postgres, "redisCpuSeconds": cpu.redis,
            "peakRssMib": rss, "fdatasyncP50Ms": fdatasync_ms,
        }));
        return;
    }
    let (runs, concurrency) = (waits.len(), arguments.concurrency);
    output::line(&format!(
        "{runs} runs of 4 steps, {concurrency} at once, journal in {journal}, queue {queue}"
    ));
    output::line(&format!("{rate:>10.0} runs/s"));
    output::line(&format!("{:>10.2} ms p50 from submission to end", percentile(50)));
    output::line(&format!("{:>10.2} ms p99", percentile(99)));
    output::line(&format!("{:>10.2} s CPU of this process", cpu.own));
    output::line(&format!("{:>10.2} s CPU of PostgreSQL on this machine", cpu.postgres));
    output::line(&format!("{:>10.2} s CPU of Redis on this machine", cpu.redis));
    output::line(&format!("{rss:>10.1} MiB peak RSS"));
    output::line(&format!("{fdatasync_ms:>10.2} ms p50 of an fdatasync in the data directory"));
}
