//! `untxt migrate`: the database's layout.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::{output, start};

#[derive(Debug, Args)]
pub(crate) struct MigrateArguments {
    #[command(subcommand)]
    pub(crate) command: MigrateCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum MigrateCommand {
    /// Apply pending migrations.
    Up,
    /// Revert all migrations and delete all data.
    Down,
    /// Show applied and pending migrations.
    Status {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

pub(crate) async fn run(arguments: &MigrateArguments) -> Result<ExitCode, Failure> {
    let config = start::config("warn")?;
    let database = start::connect(&config).await?;
    let layout = database.for_layout();
    match arguments.command {
        MigrateCommand::Up => {
            let applied = database.while_it_answers(untxt_migrations::up(&layout)).await?;
            output::line(&format!("{applied} migration(s) applied"));
        }
        MigrateCommand::Down => {
            database.while_it_answers(untxt_migrations::down(&layout)).await?;
            output::line("all migrations taken back");
        }
        MigrateCommand::Status { json } => {
            let migrations = database.while_it_answers(untxt_migrations::status(&layout)).await?;
            status(&migrations, json);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn status(rows: &[(String, bool)], json: bool) {
    let rows: Vec<Value> =
        rows.iter().map(|(name, applied)| json!({ "name": name, "applied": applied })).collect();
    match json {
        true => output::json(&json!(rows)),
        false => output::table(&rows, "MIGRATION:/name APPLIED:/applied"),
    }
}
