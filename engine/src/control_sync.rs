//! Applies the settings of operators in this process.

use std::sync::Arc;
use std::time::Duration;

use crate::backoff::pause;
use crate::health::Part;
use crate::journal::JournalError;
use crate::queue::QueueError;
use crate::shared::Shared;

/// How often the journal is asked for new settings. A queue in Redis that lost them
/// has them again after this long.
const EVERY: Duration = Duration::from_secs(1);

/// Why settings are not applied, or not everywhere.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ControlSyncError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Queue(#[from] QueueError),
    #[error("the settings for {0} can't be read and are not applied; set them again")]
    Unreadable(String),
}

/// Applies them for ever.
pub(crate) async fn sync(shared: Arc<Shared>) {
    loop {
        match sync_once(&shared).await {
            Ok(()) => shared.health.succeeded(Part::ControlSync),
            Err(error) => shared.failed(Part::ControlSync, &error),
        }
        pause(EVERY).await;
    }
}

/// Applies what the journal says now. The queue is configured even when nothing is
/// new: it may have lost the settings.
async fn sync_once(shared: &Shared) -> Result<(), ControlSyncError> {
    let known = shared.controls.get().revision;
    if let Some(controls) = shared.journal.controls(known).await? {
        shared.controls.take(&Arc::new(controls));
    }
    let controls = shared.controls.get();
    shared.queue.configure(&controls).await?;
    if controls.unreadable.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = controls.unreadable.iter().map(String::as_str).collect();
    Err(ControlSyncError::Unreadable(names.join(", ")))
}
