//! `untxt queues`: how much there is to do, what is to stand still, and how much
//! of it whom is for.

use std::num::NonZeroU32;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::Value;
use untxt_api::queues::{self, Limits, Target};
use untxt_engine::journal::JournalError;

use crate::failure::Failure;
use crate::operator::operator;
use crate::{output, start};

#[derive(Debug, Args)]
pub(crate) struct QueuesArguments {
    #[command(subcommand)]
    pub(crate) command: QueuesCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum QueuesCommand {
    /// List queues with their depths and limits.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Pause a queue or a tenant: running steps finish, no new ones start.
    Pause(PauseArguments),
    /// Resume a queue or a tenant.
    Resume(PauseArguments),
    /// Set the share and limits of a tenant; omitted values stay.
    Limit {
        /// User id.
        #[arg(long)]
        tenant: String,
        /// Share relative to others: twice the weight, twice as many pages.
        #[arg(long)]
        weight: Option<NonZeroU32>,
        /// Maximum concurrent steps; `none` removes the limit.
        #[arg(long)]
        concurrency: Option<Limit>,
        /// Maximum starts per minute, such as `60/min`; `none` removes the limit.
        #[arg(long)]
        rate: Option<Limit>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct PauseArguments {
    /// Queue name; default every queue, unless --tenant is given.
    #[arg(conflicts_with = "tenant")]
    pub(crate) name: Option<String>,
    /// One tenant's work in every queue.
    #[arg(long)]
    pub(crate) tenant: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

pub(crate) async fn run(arguments: &QueuesArguments) -> Result<ExitCode, Failure> {
    let config = start::config("warn")?;
    let operations = start::operations(&config).await?;
    let engine = operations.records.engine();
    let json = match &arguments.command {
        QueuesCommand::List { json } => *json,
        QueuesCommand::Pause(what) => {
            queues::pause(engine, target(what), true, &operator(None).by).await.map_err(refused)?;
            what.json
        }
        QueuesCommand::Resume(what) => {
            queues::pause(engine, target(what), false, &operator(None).by).await.map_err(refused)?;
            what.json
        }
        QueuesCommand::Limit { tenant, weight, concurrency, rate, json } => {
            let (concurrency, rate_per_minute) =
                (concurrency.map(|limit| limit.0), rate.map(|limit| limit.0));
            let limits = Limits { weight: *weight, concurrency, rate_per_minute };
            queues::limit(engine, tenant, limits, &operator(None).by).await.map_err(refused)?;
            *json
        }
    };
    show(&queues::view(engine).await?, json);
    Ok(ExitCode::SUCCESS)
}

/// A number, with `/min` behind it or not; `none` for no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limit(Option<NonZeroU32>);

impl std::str::FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self(None));
        }
        let number = text.strip_suffix("/min").unwrap_or(text);
        number.parse().map(|number| Self(Some(number))).map_err(|error| format!("{error}; or say `none`"))
    }
}

fn target(what: &PauseArguments) -> Target<'_> {
    match (&what.name, &what.tenant) {
        (Some(queue), _) => Target::Queue(queue),
        (None, Some(tenant)) => Target::Tenant(tenant),
        (None, None) => Target::All,
    }
}

fn refused(error: JournalError) -> Failure {
    match error {
        JournalError::UnknownDefinition(name) => Failure::usage(format!("there is no queue `{name}`")),
        JournalError::Conflict(reason) => Failure::usage(reason),
        error => error.into(),
    }
}

fn show(view: &Value, json: bool) {
    if json {
        output::json(view);
        return;
    }
    output::table(
        output::rows(&view["queues"]),
        "QUEUE:/name READY:/ready SCHEDULED:/scheduled HELD:/held PAUSED:/paused",
    );
    output::table(
        output::rows(&view["tenants"]),
        "TENANT:/tenant WEIGHT:/weight CONCURRENCY:/concurrency STARTS/MIN:/ratePerMinute PAUSED:/paused",
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_a_number_or_none() {
        let some = |number| Ok(Limit(NonZeroU32::new(number)));
        assert_eq!(("12/min".parse(), "12".parse(), "none".parse()), (some(12), some(12), Ok(Limit(None))));
        assert!("0".parse::<Limit>().is_err() && "12/s".parse::<Limit>().is_err());
    }
}
