//! How the product's own tables follow its runs.

use crate::event::Event;
use crate::id::RunId;
use crate::new_run::NewRun;
use crate::rows::RowChange;
use crate::state::{RunError, RunState};
use crate::time::Timestamp;

/// Keeps the product's tables in step with its runs: every commit asks it which
/// rows the events change.
pub trait Projection: Send + Sync + 'static {
    /// The rows that `events` change; `run` is the state after them. A pure
    /// function: it is called again when a transaction is repeated.
    fn rows(&self, run: &RunState, events: &[Event]) -> Vec<RowChange>;

    /// Runs that begin because of `events`, in the same transaction: they exist if
    /// and only if the events do. As pure as [`Projection::rows`], so their ids are
    /// derived from the run and its events. It is not called for a submission.
    fn follow_ups(&self, _run: &RunState, _events: &[Event]) -> Vec<NewRun> {
        Vec::new()
    }

    /// The rows that record that `run` was set aside and failed with `error`: called
    /// in place of [`Projection::rows`], because then neither the run's row nor that
    /// function can be relied on. The rows name the run by its id alone.
    fn set_aside(&self, _run: RunId, _error: &RunError, _at: Timestamp) -> Vec<RowChange> {
        Vec::new()
    }

    /// Digest of what the run is pinned to, shown by its dead letters; at most 64
    /// bytes. `None` for a run that is pinned to nothing.
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
