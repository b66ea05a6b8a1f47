//! `untxt redrives`: bulk redrives, listed, stopped, resumed, and given another rate.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use untxt_api::dead_letters;
use untxt_workflows::bulk_redrives::{BulkError, Progress};
use uuid::Uuid;

use crate::dead_letters::rate;
use crate::failure::Failure;
use crate::operator::operator;
use crate::{output, start};

#[derive(Debug, Args)]
pub(crate) struct RedrivesArguments {
    #[command(subcommand)]
    pub(crate) command: RedrivesCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RedrivesCommand {
    /// List bulk redrives, newest first.
    List {
        /// Maximum number of rows.
        #[arg(long, default_value_t = 20)]
        limit: u32,
        /// Number of rows to skip.
        #[arg(long, default_value_t = 0)]
        offset: u64,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show the progress of a bulk redrive.
    Show {
        /// Bulk redrive id.
        id: Uuid,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Stop a bulk redrive; dead letters that still wait go on waiting.
    Stop(Change),
    /// Go on with a bulk redrive that was stopped or failed, as another one about the dead
    /// letters that still wait. A server or worker runs it.
    Resume {
        #[command(flatten)]
        change: Change,
        /// Maximum rate, such as 5 or 5/s; default: its last rate.
        #[arg(long, value_name = "N/s")]
        rate: Option<String>,
    },
    /// Change the rate of a running bulk redrive.
    Rate {
        #[command(flatten)]
        change: Change,
        /// Maximum rate, such as 5 or 5/s; `none` removes the limit.
        rate: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Change {
    /// Bulk redrive id.
    pub(crate) id: Uuid,
    /// Reason, recorded in the audit log.
    #[arg(long)]
    pub(crate) reason: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

const COLUMNS: &str =
    "ID:/id STATUS:/status SETTLED:/settled WAITING:/waiting TOTAL:/total RATE:/rate BY:/by BEGAN:/createdAt";

pub(crate) async fn run(arguments: &RedrivesArguments) -> Result<ExitCode, Failure> {
    let config = start::config("warn")?;
    let operations = start::operations(&config).await?;
    let (progress, json) = match &arguments.command {
        RedrivesCommand::List { limit, offset, json } => {
            let (found, total) = operations.bulks(*limit, *offset).await?;
            list(&found, total, *json);
            return Ok(ExitCode::SUCCESS);
        }
        RedrivesCommand::Show { id, json } => {
            (operations.bulk(*id).await?.ok_or(BulkError::NoRedrive(*id))?, *json)
        }
        RedrivesCommand::Stop(Change { id, reason, json }) => {
            (operations.stop_bulk(*id, &operator(reason.as_deref())).await?, *json)
        }
        RedrivesCommand::Resume { change: Change { id, reason, json }, rate: wanted } => {
            let rate = wanted.as_deref().map(rate).transpose()?;
            (operations.resume_bulk(*id, rate, &operator(reason.as_deref())).await?, *json)
        }
        RedrivesCommand::Rate { change: Change { id, reason, json }, rate: wanted } => {
            let rate = if wanted == "none" { None } else { Some(rate(wanted)?) };
            (operations.set_bulk_rate(*id, rate, &operator(reason.as_deref())).await?, *json)
        }
    };
    let view = dead_letters::progress(&progress);
    if json {
        output::json(&view);
    } else {
        output::table(&[view], COLUMNS);
    }
    Ok(ExitCode::SUCCESS)
}

fn list(found: &[Progress], total: u64, json: bool) {
    let rows: Vec<Value> = found.iter().map(dead_letters::progress).collect();
    if json {
        output::json(&json!({ "redrives": rows, "total": total }));
        return;
    }
    output::table(&rows, COLUMNS);
    output::line(&format!("{} of {total} bulk redrive(s)", rows.len()));
}
