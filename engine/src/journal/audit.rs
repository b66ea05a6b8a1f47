//! What operators did: append-only, read newest first.

use serde_json::{Value, json};

use crate::controls::ControlChange;
use crate::time::Timestamp;

/// One thing an operator did.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// Who, such as `cli:ann`; at most 128 bytes.
    pub actor: String,
    /// What was done, such as `redrive`; at most 64 bytes.
    pub action: String,
    /// What it was done to, such as `run 0195…`; at most 200 bytes.
    pub subject: String,
    /// Whatever else there is to say.
    pub detail: Value,
}

impl AuditEntry {
    /// That `by` set something.
    pub(super) fn of_control(change: &ControlChange, by: &str, at: Timestamp) -> Self {
        let (action, subject, detail) = match change {
            ControlChange::Workflow { name, paused } => {
                let action = if *paused { "pause" } else { "resume" };
                (action, format!("queue {name}"), Value::Null)
            }
            ControlChange::Tenant { name, controls } => ("set", format!("tenant {name}"), json!(controls)),
            // It is written down as what it comes to.
            ControlChange::Adjust { name, .. } => ("set", format!("tenant {name}"), Value::Null),
        };
        Self { at, actor: by.to_owned(), action: action.to_owned(), subject, detail }
    }
}

/// An entry and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditLine {
    /// Rises from entry to entry, with gaps.
    pub position: u64,
    /// The entry.
    pub entry: AuditEntry,
}
