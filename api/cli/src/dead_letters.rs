//! `untxt dead-letters`: work that died, and what becomes of it.

mod many;
mod show;

use std::process::ExitCode;

use serde_json::{Value, json};
use untxt_api::letters;
use untxt_engine::journal::dead_letters::DeadLetterFilter;
use untxt_workflows::operations::Operations;
use untxt_workflows::redrive::bulk::Action;
use untxt_workflows::redrive::{Actor, RedriveError};
use uuid::Uuid;

use crate::cli::{DeadLettersArguments, LettersOrder, Which};
use crate::failure::Failure;
use crate::{output, start};

pub(crate) async fn run(arguments: &DeadLettersArguments) -> Result<ExitCode, Failure> {
    let config = start::config("warn")?;
    let operations = start::operations(&config).await?;
    match &arguments.order {
        LettersOrder::List { filters, limit, offset, json } => {
            let (found, total) =
                operations.records.engine().dead_letters(&filter(filters)?, *limit, *offset).await?;
            show::list(&found, total, *json);
            Ok(ExitCode::SUCCESS)
        }
        LettersOrder::Show { id, json } => {
            show::one(&operations.records, *id, *json).await?;
            Ok(ExitCode::SUCCESS)
        }
        LettersOrder::Redrive { which, how } => {
            let actor = operator(how.reason.as_deref());
            act(&operations, which, Action::Redrive(how.how()), &actor).await
        }
        LettersOrder::Discard { which, reason } => {
            act(&operations, which, Action::Discard, &operator(reason.as_deref())).await
        }
    }
}

/// Who types, as the audit names them.
pub(crate) fn operator(reason: Option<&str>) -> Actor {
    let name = std::env::var("USER").unwrap_or_else(|_| rustix::process::getuid().as_raw().to_string());
    Actor { by: format!("cli:{name}"), reason: reason.unwrap_or_default().to_owned() }
}

/// What `--filter k=v` says, each given once.
fn filter(pairs: &[String]) -> Result<DeadLetterFilter, Failure> {
    let mut filter = DeadLetterFilter::default();
    for pair in pairs {
        let (name, value) = pair
            .split_once('=')
            .ok_or_else(|| Failure::usage(format!("--filter {pair}: not of the form k=v")))?;
        letters::set(&mut filter, name, value)
            .map_err(|reason| Failure::usage(format!("--filter {pair}: {reason}")))?;
    }
    Ok(filter)
}

async fn act(
    operations: &Operations,
    which: &Which,
    action: Action,
    actor: &Actor,
) -> Result<ExitCode, Failure> {
    if which.ids.is_empty() {
        return many::run(operations, &filter(&which.filters)?, which, action, actor).await;
    }
    let mut failed = false;
    for id in &which.ids {
        let done = one(operations, *id, &action, actor).await;
        let (line, view) = match &done {
            Ok(status) => (format!("{id}  task is {status}"), json!({ "id": id, "taskStatus": status })),
            Err(error) => (format!("{id}  {error}"), refused(*id, error)),
        };
        match (which.json, &done) {
            (true, _) => output::json(&view),
            (false, Ok(_)) => output::line(&line),
            (false, Err(_)) => output::problem(&line),
        }
        failed |= done.is_err();
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

async fn one(
    operations: &Operations,
    id: Uuid,
    action: &Action,
    actor: &Actor,
) -> Result<&'static str, RedriveError> {
    let run = match action {
        Action::Redrive(how) => operations.redrive_letter(id, how, actor).await?,
        Action::Discard => operations.discard_letter(id, actor).await?,
    };
    Ok(run.status.as_str())
}

fn refused(id: Uuid, error: &RedriveError) -> Value {
    let code = match error {
        RedriveError::Refused { code, .. } => Some(*code),
        RedriveError::NoLetter(_) => Some("DEAD_LETTER_NOT_FOUND"),
        _ => None,
    };
    json!({ "id": id, "error": { "code": code, "message": error.to_string() } })
}
