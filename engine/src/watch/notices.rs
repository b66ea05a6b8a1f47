//! Which runs this process brought to an end. Nothing is asked of the journal:
//! what others end is not heard of here.

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::WatchError;
use super::lines::ends;
use crate::event::Event;
use crate::id::RunId;

/// Endings that somebody may be behind: 16 bytes each.
const BEHIND_MAX: usize = 4096;

#[derive(Debug)]
pub(super) struct Notices(broadcast::Sender<RunId>);

impl Default for Notices {
    fn default() -> Self {
        Self(broadcast::channel(BEHIND_MAX).0)
    }
}

impl Notices {
    pub(super) fn publish(&self, committed: &[Event]) {
        for event in committed.iter().filter(|event| ends(&event.kind)) {
            // Fails when nobody listens, which is nobody's loss.
            let _ = self.0.send(event.run);
        }
    }

    pub(super) fn subscribe(&self) -> Endings {
        Endings(self.0.subscribe())
    }
}

/// Hears of every run that this process brings to an end while this exists.
#[derive(Debug)]
pub struct Endings(broadcast::Receiver<RunId>);

impl Endings {
    /// The next run that ended. Nothing is lost when the call is dropped.
    ///
    /// # Errors
    /// [`WatchError::Lagged`] when some thousand were not taken in; the call
    /// after it goes on. [`WatchError::Closed`] once the engine is gone.
    pub async fn next(&mut self) -> Result<RunId, WatchError> {
        self.0.recv().await.map_err(|error| match error {
            RecvError::Lagged(missed) => WatchError::Lagged { missed },
            RecvError::Closed => WatchError::Closed,
        })
    }
}
