//! Committed events, in order, for whoever wants to see them happen.
//!
//! What this process commits is passed on at once. What others commit is found
//! by looking, when the journal brings word that there is something and now and
//! then besides: for watchers of all runs by reading the journal's tail, for
//! watchers of single runs by asking how far those runs are. Who only wants to
//! know what ended here costs no look at all.

mod all;
mod cursors;
mod endings;
mod pace;
mod run;
mod runs;

use std::sync::Arc;

use crate::event::Event;
use crate::health::Health;
use crate::id::RunId;
use crate::journal::{Journal, JournalError};
use crate::time::Clock;
use all::All;
pub use all::Watcher;
use endings::EndingsChannel;
pub use endings::{Ended, Endings};
pub use run::RunWatcher;
use runs::FollowedRuns;

/// Events read at once, from the tail or from a history.
const PAGE: u32 = 512;

/// Why a watcher can't go on.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// More was committed than the watcher took in; what it missed is gone for
    /// it. Each run it shows can be followed again from the last `seq` that it
    /// has.
    #[error("{missed} events were missed; follow each run again from the last seq you have of it")]
    Lagged {
        /// How many.
        missed: u64,
    },
    /// The history could not be read; the same call may be made again.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The engine is gone.
    #[error("the engine that was watched is gone")]
    Closed,
}

/// Where commits become visible.
pub(crate) struct Hub {
    journal: Arc<dyn Journal>,
    clock: Arc<dyn Clock>,
    health: Arc<Health>,
    all: All,
    runs: FollowedRuns,
    endings: EndingsChannel,
}

impl Hub {
    pub(crate) fn new(journal: Arc<dyn Journal>, clock: Arc<dyn Clock>, health: Arc<Health>) -> Self {
        let (all, runs, endings) = (All::default(), FollowedRuns::default(), EndingsChannel::default());
        Self { journal, clock, health, all, runs, endings }
    }

    /// Passes on what this process committed.
    pub(crate) fn publish(&self, committed: &[Event]) {
        self.runs.publish(committed);
        self.endings.publish(committed);
        self.all.publish(committed);
    }

    /// Tells whoever follows `run` that it was erased.
    pub(crate) fn erased(&self, run: RunId) {
        self.runs.erased(run);
    }

    /// What ends here from now on.
    pub(crate) fn endings(&self) -> Endings {
        self.endings.subscribe()
    }
}
