//! Which runs this process brought to an end. Nothing is asked of the journal:
//! what others end is not heard of here.

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::WatchError;
use crate::event::{Event, EventKind};
use crate::id::RunId;
use crate::state::RunStatus;

/// Endings that somebody may be behind; some bytes each.
const BEHIND_MAX: usize = 4096;

#[derive(Debug)]
pub(super) struct EndingsChannel(broadcast::Sender<Ended>);

/// A run that ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Which.
    pub run: RunId,
    /// How; one that failed or is partial may have been redriven since.
    pub status: RunStatus,
}

impl Default for EndingsChannel {
    fn default() -> Self {
        Self(broadcast::channel(BEHIND_MAX).0)
    }
}

impl EndingsChannel {
    pub(super) fn publish(&self, committed: &[Event]) {
        for event in committed {
            let status = match event.kind {
                EventKind::Completed => RunStatus::Completed,
                EventKind::CompletedPartially { .. } => RunStatus::Partial,
                EventKind::RunFailed { .. } => RunStatus::Failed,
                EventKind::Cancelled => RunStatus::Cancelled,
                _ => continue,
            };
            // Fails when nobody listens, which is nobody's loss.
            let _ = self.0.send(Ended { run: event.run, status });
        }
    }

    pub(super) fn subscribe(&self) -> Endings {
        Endings(self.0.subscribe())
    }
}

/// Hears of every run that this process brings to an end while this exists.
#[derive(Debug)]
pub struct Endings(broadcast::Receiver<Ended>);

impl Endings {
    /// The next run that ended. Nothing is lost when the call is dropped.
    ///
    /// # Errors
    /// [`WatchError::Lagged`] when some thousand were not taken in; the call
    /// after it goes on. [`WatchError::Closed`] once the engine is gone.
    pub async fn next(&mut self) -> Result<Ended, WatchError> {
        self.0.recv().await.map_err(|error| match error {
            RecvError::Lagged(missed) => WatchError::Lagged { missed },
            RecvError::Closed => WatchError::Closed,
        })
    }
}
