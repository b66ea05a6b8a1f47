//! A run that is to be submitted.

use serde_json::Value;

use crate::event::{Event, EventKind, OnItemFailure};
use crate::id::RunId;
use crate::rows::RowChange;
use crate::time::Timestamp;

/// Priority of runs that ask for none.
pub const DEFAULT_PRIORITY: u8 = 5;

/// A run that is to be submitted.
#[derive(Clone, Debug, PartialEq)]
pub struct NewRun {
    /// Its id, chosen by the caller so that `rows` can name it.
    pub id: RunId,
    /// Name of its workflow.
    pub definition: &'static str,
    /// The tenant it belongs to; at most 64 bytes.
    pub tenant: String,
    /// 1 to 10, 10 most urgent.
    pub priority: u8,
    /// What happens to it when an item fails for good.
    pub on_item_failure: OnItemFailure,
    /// Input of its steps.
    pub input: Value,
    /// Rows of the product, written in the same transaction.
    pub rows: Vec<RowChange>,
}

impl NewRun {
    /// A run of `workflow` with a new id and [`DEFAULT_PRIORITY`], which fails when
    /// one of its items fails for good, and comes with no rows.
    #[must_use]
    pub fn new(workflow: &'static str, tenant: impl Into<String>, input: Value) -> Self {
        Self {
            id: RunId::new(),
            definition: workflow,
            tenant: tenant.into(),
            priority: DEFAULT_PRIORITY,
            on_item_failure: OnItemFailure::Fail,
            input,
            rows: Vec::new(),
        }
    }

    /// The event that it begins with, when it is submitted at `at` to that version of
    /// its workflow.
    #[must_use]
    pub fn submitted(&self, version: u32, at: Timestamp) -> Event {
        let kind = EventKind::Submitted {
            definition: self.definition.to_owned(),
            version,
            tenant: self.tenant.clone(),
            priority: self.priority,
            on_item_failure: self.on_item_failure,
            input: self.input.clone(),
        };
        Event { run: self.id, seq: 1, at, kind }
    }
}
