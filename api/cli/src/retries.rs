//! `untxt retries`: what failed and will be tried again.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use untxt_api::operator_views;

use crate::failure::Failure;
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
}

pub(crate) async fn run(arguments: &RetriesArguments) -> Result<ExitCode, Failure> {
    let RetriesCommand::List { limit, offset, json } = arguments.command;
    let config = start::config("warn")?;
    let operations = start::operations(&config).await?;
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
