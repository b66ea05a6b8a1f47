//! `untxt dead-letters`: work that died, and what becomes of it.

mod many;
mod show;

pub(crate) use many::rate;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use untxt_api::dead_letters;
use untxt_engine::journal::dead_letters::{DeadLetterFilter, DeadLetterStatus};
use untxt_workflows::operations::Operations;
use untxt_workflows::redrive::bulk::Action;
use untxt_workflows::redrive::{Actor, RedriveError};
use uuid::Uuid;

use crate::failure::Failure;
use crate::operator::operator;
use crate::redrive::RedriveArguments;
use crate::{output, start};

#[derive(Debug, Args)]
pub(crate) struct DeadLettersArguments {
    #[command(subcommand)]
    pub(crate) command: DeadLettersCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DeadLettersCommand {
    /// List dead letters, newest first.
    List {
        /// tenant=, workflow=, code=, step=, digest=, fingerprint=, reason=, state=,
        /// from=, until=, run= or bulk=; repeat to combine.
        #[arg(long = "filter", value_name = "K=V")]
        filters: Vec<String>,
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
    /// Group dead letters by cause, engine and step, the largest group first.
    Groups {
        /// Only matching dead letters; see `list`. Default: waiting ones.
        #[arg(long = "filter", value_name = "K=V")]
        filters: Vec<String>,
        /// Maximum number of groups.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show a dead letter with all attempts, the full error and the task's input.
    Show {
        /// Dead letter id.
        id: Uuid,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Resume tasks where they failed.
    Redrive {
        #[command(flatten)]
        selection: Selection,
        #[command(flatten)]
        redrive: RedriveArguments,
    },
    /// Discard dead letters and fail the tasks that wait for them.
    Discard {
        #[command(flatten)]
        selection: Selection,
        /// Reason, recorded in the audit log.
        #[arg(long)]
        reason: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Selection {
    /// Dead letter ids.
    #[arg(required_unless_present_any = ["all", "filters"], conflicts_with_all = ["all", "filters"])]
    pub(crate) ids: Vec<Uuid>,
    /// All waiting dead letters.
    #[arg(long)]
    pub(crate) all: bool,
    /// Waiting dead letters that match every filter; see `list`.
    #[arg(long = "filter", value_name = "K=V")]
    pub(crate) filters: Vec<String>,
    /// Maximum rate, such as 5 or 5/s.
    #[arg(long, value_name = "N/s", conflicts_with = "ids")]
    pub(crate) rate: Option<String>,
    /// Only count what would be done, by code, step and cause.
    #[arg(long, conflicts_with = "ids")]
    pub(crate) dry_run: bool,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

pub(crate) async fn run(arguments: &DeadLettersArguments) -> Result<ExitCode, Failure> {
    let config = start::config("warn")?;
    let operations = start::operations(&config).await?;
    match &arguments.command {
        DeadLettersCommand::List { filters, limit, offset, json } => {
            let (found, total) =
                operations.records.engine().dead_letters(&filter(filters)?, *limit, *offset).await?;
            show::list(&found, total, *json);
            Ok(ExitCode::SUCCESS)
        }
        DeadLettersCommand::Groups { filters, limit, json } => {
            let mut filter = filter(filters)?;
            filter.state = filter.state.or(Some(DeadLetterStatus::Waiting));
            let mut found =
                operations.records.engine().dead_letter_groups(&filter, limit.saturating_add(1)).await?;
            let has_more = found.len() > *limit as usize;
            found.truncate(*limit as usize);
            show::groups(&found, has_more, *json);
            Ok(ExitCode::SUCCESS)
        }
        DeadLettersCommand::Show { id, json } => {
            show::one(&operations.records, *id, *json).await?;
            Ok(ExitCode::SUCCESS)
        }
        DeadLettersCommand::Redrive { selection, redrive } => {
            let actor = operator(redrive.reason.as_deref());
            act(&operations, selection, Action::Redrive(redrive.how()), &actor).await
        }
        DeadLettersCommand::Discard { selection, reason } => {
            act(&operations, selection, Action::Discard, &operator(reason.as_deref())).await
        }
    }
}

/// What `--filter k=v` says, each given once.
fn filter(pairs: &[String]) -> Result<DeadLetterFilter, Failure> {
    let mut filter = DeadLetterFilter::default();
    for pair in pairs {
        let (name, value) = pair
            .split_once('=')
            .ok_or_else(|| Failure::usage(format!("--filter {pair}: not of the form k=v")))?;
        dead_letters::set_filter(&mut filter, name, value)
            .map_err(|reason| Failure::usage(format!("--filter {pair}: {reason}")))?;
    }
    Ok(filter)
}

async fn act(
    operations: &Operations,
    selection: &Selection,
    action: Action,
    actor: &Actor,
) -> Result<ExitCode, Failure> {
    if selection.ids.is_empty() {
        return many::run(operations, &filter(&selection.filters)?, selection, action, actor).await;
    }
    let mut failed = false;
    for id in &selection.ids {
        let done = one(operations, *id, &action, actor).await;
        let (line, view) = match &done {
            Ok(status) => (format!("{id}  task is {status}"), json!({ "id": id, "taskStatus": status })),
            Err(error) => (format!("{id}  {error}"), refused(*id, error)),
        };
        match (selection.json, &done) {
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
