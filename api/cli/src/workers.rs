//! `untxt workers`: who works, and on what; one drained or resumed.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use untxt_api::operator_views;
use untxt_engine::id::WorkerName;
use untxt_workflows::operations::Operations;

use crate::failure::Failure;
use crate::operator::operator;
use crate::{output, start};

/// Slots that are shown; a worker holds as many as it has slots.
const HELD_MAX: u32 = 10_000;

#[derive(Debug, Args)]
pub(crate) struct WorkersArguments {
    #[command(subcommand)]
    pub(crate) command: WorkersCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum WorkersCommand {
    /// List workers with start time, last heartbeat and held steps.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Drain a worker: it finishes what it runs and starts nothing new; its process goes on.
    Drain(Which),
    /// Resume a drained worker.
    Resume(Which),
}

#[derive(Debug, Args)]
pub(crate) struct Which {
    /// Worker name as `list` shows it.
    pub(crate) name: String,
    /// Reason, recorded in the audit log.
    #[arg(long)]
    pub(crate) reason: Option<String>,
}

pub(crate) async fn run(arguments: &WorkersArguments) -> Result<ExitCode, Failure> {
    let config = start::config("warn")?;
    let operations = start::operations(&config).await?;
    let json = match &arguments.command {
        WorkersCommand::List { json } => *json,
        WorkersCommand::Drain(which) => return set(&operations, which, true).await,
        WorkersCommand::Resume(which) => return set(&operations, which, false).await,
    };
    let (rows, held) =
        (operations.records.engine().workers().await?, operations.records.engine().holdings(HELD_MAX).await?);
    let workers =
        operator_views::workers(&rows, &held, operations.records.engine().now(), config.settings.lease);
    if json {
        output::json(&json!({ "workers": workers }));
        return Ok(ExitCode::SUCCESS);
    }
    output::table(&workers, "NAME:/name STATE:/state STARTED:/since HEARTBEAT:/lastHeartbeat");
    output::table(&holdings(&workers), "WORKER:/worker RUN:/run STEP:/step ITEM:/item ATTEMPT:/attempt");
    output::line(&format!("{} worker(s)", workers.len()));
    Ok(ExitCode::SUCCESS)
}

async fn set(operations: &Operations, which: &Which, draining: bool) -> Result<ExitCode, Failure> {
    let (name, actor) = (WorkerName::from(which.name.clone()), operator(which.reason.as_deref()));
    let engine = operations.records.engine();
    if !engine.drain_worker(&name, draining, &actor.by, &actor.reason).await? {
        return Err(Failure::work(format!("there is no worker {name}; `untxt workers list` names them")));
    }
    let what = if draining { "finishes what it runs and starts nothing new" } else { "works again" };
    output::line(&format!("worker {name} {what}"));
    Ok(ExitCode::SUCCESS)
}

/// What the workers hold, a row for each step, with whose it is.
fn holdings(workers: &[Value]) -> Vec<Value> {
    let its = |worker: &Value| {
        let mut held = worker["holds"].as_array().cloned().unwrap_or_default();
        held.iter_mut().for_each(|slot| slot["worker"] = worker["name"].clone());
        held
    };
    workers.iter().flat_map(its).collect()
}
