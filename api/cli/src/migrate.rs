//! `untxt migrate`: the database's layout.

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::cli::{Direction, MigrateArguments};
use crate::failure::Failure;
use crate::{output, start};

pub(crate) async fn run(arguments: &MigrateArguments) -> Result<ExitCode, Failure> {
    let config = start::config("warn")?;
    let database = start::connect(&config).await?;
    let layout = database.for_layout();
    match arguments.direction {
        Direction::Up => {
            let applied = database.while_it_answers(untxt_migrations::up(&layout)).await?;
            output::line(&format!("{applied} migration(s) applied"));
        }
        Direction::Down => {
            database.while_it_answers(untxt_migrations::down(&layout)).await?;
            output::line("all migrations taken back");
        }
        Direction::Status { json } => {
            let migrations = database.while_it_answers(untxt_migrations::status(&layout)).await?;
            status(&migrations, json);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn status(rows: &[(String, bool)], json: bool) {
    if json {
        let rows: Vec<Value> =
            rows.iter().map(|(name, applied)| json!({ "name": name, "applied": applied })).collect();
        output::json(&json!(rows));
        return;
    }
    for (name, applied) in rows {
        output::line(&format!("{}  {name}", if *applied { "applied" } else { "pending" }));
    }
}
