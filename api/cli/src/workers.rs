//! `untxt workers`: who works, and on what.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use untxt_api::operator_views;

use crate::failure::Failure;
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
}

pub(crate) async fn run(arguments: &WorkersArguments) -> Result<ExitCode, Failure> {
    let WorkersCommand::List { json } = arguments.command;
    let config = start::config("warn")?;
    let operations = start::operations(&config).await?;
    let (rows, held) =
        (operations.records.engine().workers().await?, operations.records.engine().holdings(HELD_MAX).await?);
    let workers =
        operator_views::workers(&rows, &held, operations.records.engine().now(), config.settings.lease);
    if json {
        output::json(&json!({ "workers": workers }));
        return Ok(ExitCode::SUCCESS);
    }
    for worker in &workers {
        let word = |name: &str| output::plain(&worker[name]);
        let (since, heard) = (word("since"), word("lastHeartbeat"));
        output::line(&format!("{:<6}  {}  since {since}, heard of {heard}", word("state"), word("name")));
        for held in worker["holds"].as_array().into_iter().flatten() {
            output::line(&format!("        {}", place(held)));
        }
    }
    output::line(&format!("{} worker(s)", workers.len()));
    Ok(ExitCode::SUCCESS)
}

/// A slot in words: which run, step, item and attempt.
pub(crate) fn place(slot: &Value) -> String {
    let item = slot["item"].as_u64().map(|item| format!(" item {item}")).unwrap_or_default();
    let (run, step) = (output::plain(&slot["run"]), output::plain(&slot["step"]));
    format!("{run}  {step}{item}, attempt {}", slot["attempt"])
}
