//! `untxt keys`: create, list and revoke API keys.

use std::process::ExitCode;
use std::str::FromStr;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use untxt_api::auth::keys::{Key, KeyError, KeyPage, Keys, NewKey};
use untxt_api::auth::principal::Scopes;
use untxt_engine::time::Timestamp;
use uuid::Uuid;

use crate::failure::Failure;
use crate::operator::operator;
use crate::{output, start};

#[derive(Debug, Args)]
pub(crate) struct KeysArguments {
    #[command(subcommand)]
    command: KeysCommand,
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// Create a key and print it; it is shown only once.
    Create {
        /// User of the key; default a new user.
        #[arg(long)]
        user: Option<Uuid>,
        /// Description.
        #[arg(long, default_value = "")]
        name: String,
        /// Scopes, comma-separated: submit, read, operate (both for every user, and
        /// operator actions), admin (everything, including keys).
        #[arg(long, default_value = "submit,read")]
        scopes: String,
        /// Lifetime, such as 90d, 12h or 30m; default unlimited.
        #[arg(long, value_name = "TIME")]
        expires: Option<Life>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// List keys, newest first, without their secrets.
    List {
        /// Only keys of this user.
        #[arg(long)]
        user: Option<Uuid>,
        /// Maximum number of rows.
        #[arg(long, default_value_t = 50)]
        limit: u64,
        /// Number of rows to skip.
        #[arg(long, default_value_t = 0)]
        offset: u64,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Revoke a key; servers apply it within seconds.
    Revoke {
        /// Key id.
        id: Uuid,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

/// A whole number of days, hours, minutes or seconds, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Life(u64);

impl FromStr for Life {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text} is not a time such as 90d, 12h or 30m");
        let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
        let seconds = match unit {
            "d" => 24 * 60 * 60,
            "h" => 60 * 60,
            "m" => 60,
            "s" => 1,
            _ => return Err(wrong()),
        };
        let number: u64 = number.parse().map_err(|_| wrong())?;
        number.checked_mul(seconds).map(Self).ok_or_else(wrong)
    }
}

pub(crate) async fn run(arguments: KeysArguments) -> Result<ExitCode, Failure> {
    let config = start::config("warn")?;
    let operations = start::operations(&config).await?;
    let (keys, engine) = (
        Keys::new(operations.records.database().clone(), operations.records.engine().clock()),
        operations.records.engine(),
    );
    let by = operator(None).by;
    match arguments.command {
        KeysCommand::Create { user, name, scopes, expires, json } => {
            let scopes =
                Scopes::parse(&scopes).map_err(|reason| Failure::usage(format!("--scopes: {reason}")))?;
            let user = user.unwrap_or_else(Uuid::new_v4);
            let new = NewKey { user, name, scopes, life_seconds: expires.map(|life| life.0) };
            let (key, text) = keys.create(engine, new, &by).await?;
            created(&key, &text, engine.now(), json);
        }
        KeysCommand::List { user, limit, offset, json } => {
            list(&keys.list(user, limit, offset).await?, engine.now(), json);
        }
        KeysCommand::Revoke { id, json } => {
            let key = keys.revoke(engine, id, &by).await?;
            match json {
                true => output::json(&key.view(engine.now())),
                false => output::line(&format!("{id} is revoked")),
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn created(key: &Key, text: &str, now: Timestamp, json: bool) {
    let mut view = key.view(now);
    if json {
        view["key"] = json!(text);
        output::json(&view);
        return;
    }
    output::line(text);
    let expires = match output::plain(&view["expiresAt"]) {
        never if never.is_empty() => "without end".to_owned(),
        at => format!("until {at}"),
    };
    output::problem(&format!(
        "key {} of user {}: {}, {expires}; it will not be shown again",
        key.id, key.user_id, key.scopes
    ));
}

fn list(listed: &KeyPage, now: Timestamp, json: bool) {
    let KeyPage { keys, unreadable, total } = listed;
    let views: Vec<Value> = keys.iter().map(|key| key.view(now)).collect();
    if json {
        output::json(&json!({ "keys": views, "unreadable": unreadable, "total": total }));
        return;
    }
    output::table(&views, "ID:/id STATE:/state USER:/userId SCOPES:/scopes LAST-USED:/lastUsedAt NAME:/name");
    for id in unreadable {
        let id = id.map_or_else(|| "a key".to_owned(), |id| id.to_string());
        output::line(&format!("{id}  its row in the database can't be read; it lets nobody in"));
    }
    output::line(&format!("{} of {total} key(s)", listed.len()));
}

impl From<KeyError> for Failure {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Field { .. } => Self::usage(error),
            KeyError::NotFound(_) => Self::work(error),
            KeyError::Database(_) => Self::service(error),
            KeyError::Journal(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_is_a_number_and_a_unit() {
        let life = |text: &str| text.parse::<Life>().ok().map(|life| life.0);
        assert_eq!((life("90d"), life("12h"), life("2m")), (Some(7_776_000), Some(43_200), Some(120)));
        for wrong in ["", "d", "5", "1.5h", "-1d", "99999999999999999999d", "1ü"] {
            assert_eq!(life(wrong), None, "{wrong}");
        }
    }
}
