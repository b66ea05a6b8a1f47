//! What is told, and to whom: the input of a run of the workflow, a stored
//! format that only grows.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use untxt_engine::error::StepError;
use untxt_engine::event::OnItemFailure;
use untxt_engine::id::RunId;
use untxt_engine::new_run::NewRun;
use untxt_engine::state::RunState;
use uuid::Uuid;

use super::WORKFLOW;

/// How urgent deliveries are among themselves.
const PRIORITY: u8 = 5;

/// One event and whom to tell it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// Where it goes.
    pub url: String,
    /// Such as `task.completed`.
    pub event: String,
    /// What is sent, the same at every attempt.
    pub body: Value,
    /// What began it all, as the W3C's `traceparent` writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
}

/// Id of the delivery that tells of event `seq` of `run`: the same however often
/// it is worked out, so that whoever is told twice can tell.
#[must_use]
pub fn id_of(run: RunId, seq: u64) -> RunId {
    RunId(Uuid::new_v5(&run.0, format!("webhook:{seq}").as_bytes()))
}

impl Delivery {
    /// What the run tells.
    ///
    /// # Errors
    /// A permanent `INPUT_UNREADABLE`, when a newer program began the run.
    pub fn of(run: &RunState) -> Result<Self, StepError> {
        serde_json::from_value(run.input.clone()).map_err(|error| {
            let message = format!("this program can't read what webhook {} is to tell: {error}", run.id);
            StepError::permanent("INPUT_UNREADABLE", message)
        })
    }

    /// The run that makes it, whose id is the event's. It is the tenant's work
    /// like any other.
    #[must_use]
    pub fn run(self, id: RunId, tenant: &str) -> NewRun {
        NewRun {
            id,
            definition: WORKFLOW,
            tenant: tenant.to_owned(),
            priority: PRIORITY,
            on_item_failure: OnItemFailure::Fail,
            input: serde_json::to_value(self).unwrap_or_default(),
            rows: Vec::new(),
        }
    }
}
