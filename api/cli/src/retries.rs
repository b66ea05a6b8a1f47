//! `untxt retries`: what failed and will be tried again.

use std::process::ExitCode;

use serde_json::{Value, json};
use untxt_api::operator_views;

use crate::cli::{RetriesArguments, RetriesQuestion};
use crate::failure::Failure;
use crate::workers::place;
use crate::{output, start};

pub(crate) async fn run(arguments: &RetriesArguments) -> Result<ExitCode, Failure> {
    let RetriesQuestion::List { limit, offset, json } = arguments.question;
    let config = start::config("warn")?;
    let operations = start::operations(&config).await?;
    let (retries, total) = operations.records.engine().retries(limit, offset).await?;
    let retries: Vec<Value> = retries.iter().map(operator_views::retry).collect();
    if json {
        output::json(&json!({ "retries": retries, "total": total }));
        return Ok(ExitCode::SUCCESS);
    }
    for retry in &retries {
        let (due, code) = (output::plain(&retry["dueAt"]), output::plain(&retry["error"]["code"]));
        let message = output::plain(&retry["error"]["message"]);
        output::line(&format!("due {due}  {}  {code}: {message}", place(retry)));
    }
    output::line(&format!("{} of {total} that wait for a retry", retries.len()));
    Ok(ExitCode::SUCCESS)
}
