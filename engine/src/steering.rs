//! Keeps this process to what operators set.

use std::sync::Arc;
use std::time::Duration;

use crate::backoff::pause;
use crate::health::Part;
use crate::journal::JournalError;
use crate::parts::Parts;
use crate::queue::QueueError;

/// How often the journal is asked what was set. What a queue in Redis forgot of
/// it is back after as long.
const EVERY: Duration = Duration::from_secs(1);

/// Why what was set is not followed, or not by all.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SteeringError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Queue(#[from] QueueError),
    #[error("what was set for {0} can't be read and does not hold; set it again")]
    Unreadable(String),
}

/// Follows it for ever.
pub(crate) async fn follow(parts: Arc<Parts>) {
    loop {
        match look(&parts).await {
            Ok(()) => parts.health.succeeded(Part::Steering),
            Err(error) => parts.failed(Part::Steering, &error),
        }
        pause(EVERY).await;
    }
}

/// Takes over what the journal says now. The queue is told even when nothing is
/// new: it may have forgotten.
pub(crate) async fn look(parts: &Parts) -> Result<(), SteeringError> {
    let known = parts.controls.get().revision;
    if let Some(controls) = parts.journal.controls(known).await? {
        parts.controls.take(&Arc::new(controls));
    }
    let controls = parts.controls.get();
    parts.queue.configure(&controls).await?;
    if controls.unreadable.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = controls.unreadable.iter().map(String::as_str).collect();
    Err(SteeringError::Unreadable(names.join(", ")))
}
