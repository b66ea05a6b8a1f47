//! `untxt retries`: what failed and will be tried again; one tried now, or given up.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use untxt_api::operator_views;
use uuid::Uuid;

use crate::failure::Failure;
use crate::operator::operator;
use crate::{output, start};

#[derive(Debug, Args)]
pub(crate) struct RetriesArguments {
    #[command(subcommand)]
    pub(crate) command: RetriesCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RetriesCommand {
    /// List steps and pages that wait for a retry, latest due first.
    List {
        /// Maximum number of rows.
        #[arg(long, default_value_t = 50)]
        limit: u32,
        /// Number of rows to skip.
        #[arg(long, default_value_t = 0)]
        offset: u64,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Make the next attempt of a step or page now.
    Now(Which),
    /// Give a step or page up: it becomes a dead letter with its last failure.
    GiveUp(Which),
}

#[derive(Debug, Args)]
pub(crate) struct Which {
    /// Run id: the task's, or that of a webhook's delivery.
    pub(crate) run: Uuid,
    /// Item as `list` shows it; without it, the step itself.
    #[arg(long)]
    pub(crate) item: Option<u32>,
    /// Reason, recorded in the audit log.
    #[arg(long)]
    pub(crate) reason: Option<String>,
}

pub(crate) async fn run(arguments: &RetriesArguments) -> Result<ExitCode, Failure> {
    let config = start::config("warn")?;
    let operations = start::operations(&config).await?;
    let (limit, offset, json) = match &arguments.command {
        RetriesCommand::List { limit, offset, json } => (*limit, *offset, *json),
        RetriesCommand::Now(Which { run, item, reason }) => {
            let state = operations.retry_now(*run, *item, &operator(reason.as_deref())).await?;
            output::line(&format!("run {run} is {}; a worker makes the attempt", state.status.as_str()));
            return Ok(ExitCode::SUCCESS);
        }
        RetriesCommand::GiveUp(Which { run, item, reason }) => {
            let state = operations.give_up_retry(*run, *item, &operator(reason.as_deref())).await?;
            output::line(&format!("given up; run {run} is {}", state.status.as_str()));
            return Ok(ExitCode::SUCCESS);
        }
    };
    let (retries, total) = operations.records.engine().retries(limit, offset).await?;
    let retries: Vec<Value> = retries.iter().map(operator_views::retry).collect();
    if json {
        output::json(&json!({ "retries": retries, "total": total }));
        return Ok(ExitCode::SUCCESS);
    }
    output::table(
        &retries,
        "DUE:/dueAt RUN:/run STEP:/step ITEM:/item ATTEMPT:/attempt CODE:/error/code MESSAGE:/error/message",
    );
    output::line(&format!("{} of {total} that wait for a retry", retries.len()));
    Ok(ExitCode::SUCCESS)
}
