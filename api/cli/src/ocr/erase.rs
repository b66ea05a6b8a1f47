//! Erases a task that `untxt ocr` no longer needs.

use untxt_workflows::platform::Platform;
use uuid::Uuid;

use crate::failure::{Failure, chain};

/// Takes a task away. Objects that the store does not remove now go with the
/// next worker.
pub(super) async fn erase(platform: &Platform, id: Uuid) -> Result<(), Failure> {
    platform.tasks.erase_task(id).await.map_err(|error| Failure::work(chain(&error)))?;
    Ok(())
}
