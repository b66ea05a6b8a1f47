//! What operators look at: who holds what, what waits for a retry, how much
//! work there is.

use serde::Serialize;

use crate::event::EventKind;
use crate::id::{RunId, Slot, WorkerName};
use crate::state::RunError;
use crate::time::Timestamp;

/// A slot that a worker holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// Who.
    pub worker: WorkerName,
    /// What.
    pub slot: Slot,
    /// Name of the run's workflow.
    pub definition: String,
    /// Which attempt at it this is.
    pub attempt: u32,
}

/// A slot whose last attempt failed, or lost its worker, and that waits for the
/// next one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    /// What is to be tried again.
    pub slot: Slot,
    /// Name of the run's workflow.
    pub definition: String,
    /// Whose it is.
    pub tenant: String,
    /// Which attempt it will be.
    pub attempt: u32,
    /// Not before; past when every worker is busy or paused.
    pub due_at: Timestamp,
    /// How the attempt before it ended.
    pub failure: Option<RunError>,
}

/// How much of a workflow's work is open, as the journal knows it: whatever
/// stands in a queue, this is what there is to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Backlog {
    /// Due, and nobody holds it.
    pub ready: u64,
    /// Not due yet.
    pub scheduled: u64,
    /// Held by a worker.
    pub held: u64,
    /// Since when the oldest of what is ready has been due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oldest_due_at: Option<Timestamp>,
}

/// How the attempt ended that `kind` tells of, if it tells of a failed one.
pub(super) fn failure(run: RunId, kind: &EventKind) -> Option<RunError> {
    let error = match kind {
        EventKind::Failed { error, .. } => error.clone(),
        EventKind::Lost(attempt) => attempt.lost(run),
        _ => return None,
    };
    Some(RunError { code: error.code, message: error.message })
}
