//! Rows of the product's own tables that are written in the same transaction
//! as the events they belong to.

use sea_orm::sea_query::{DeleteStatement, InsertStatement, UpdateStatement};

use super::NewRun;
use crate::event::Event;
use crate::id::RunId;
use crate::state::{RunError, RunState};
use crate::time::Timestamp;

/// One statement, as a value: it can be sent again when a transaction is.
#[derive(Clone, Debug, PartialEq)]
pub enum RowChange {
    /// New rows.
    Insert(InsertStatement),
    /// Changed rows.
    Update(UpdateStatement),
    /// Rows gone.
    Delete(DeleteStatement),
}

impl From<InsertStatement> for RowChange {
    fn from(statement: InsertStatement) -> Self {
        Self::Insert(statement)
    }
}

impl From<UpdateStatement> for RowChange {
    fn from(statement: UpdateStatement) -> Self {
        Self::Update(statement)
    }
}

impl From<DeleteStatement> for RowChange {
    fn from(statement: DeleteStatement) -> Self {
        Self::Delete(statement)
    }
}

/// Keeps the product's tables in step with its runs: for every commit it is
/// asked which rows the events mean.
pub trait Projection: Send + Sync + 'static {
    /// The rows that `events` mean; `run` is the state after them. A pure
    /// function: it is asked again when a transaction is sent again.
    fn rows(&self, run: &RunState, events: &[Event]) -> Vec<RowChange>;

    /// Runs that begin because of `events`, in the same transaction: they are
    /// there if and only if the events are. As pure as [`Projection::rows`], so
    /// their ids are derived from the run and its events. Of a run that is
    /// submitted itself it is not asked.
    fn follow_ups(&self, _run: &RunState, _events: &[Event]) -> Vec<NewRun> {
        Vec::new()
    }

    /// The rows that say that `run` was set aside and failed with `error`: asked
    /// in place of [`Projection::rows`], for neither the run's row nor that
    /// function may be relied on then. They name the run by its id alone.
    fn set_aside(&self, _run: RunId, _error: &RunError, _at: Timestamp) -> Vec<RowChange> {
        Vec::new()
    }

    /// Digest of whatever the run is pinned to, as its dead letters show it; at
    /// most 64 bytes. `None` for runs that are pinned to nothing.
    fn digest(&self, _run: &RunState) -> Option<String> {
        None
    }
}

/// For workflows that have no tables of their own.
impl Projection for () {
    fn rows(&self, _run: &RunState, _events: &[Event]) -> Vec<RowChange> {
        Vec::new()
    }
}
