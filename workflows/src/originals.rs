//! Copies of documents on this machine for people who look at their pages. A copy is
//! shared by all requests for its task and stays for some seconds after the last one,
//! because whoever looks at one page looks at the next.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tempfile::TempPath;
use uuid::Uuid;

use crate::disk_space::{DiskFull, SpoolGrant};
use crate::documents::renderer::Renderer;
use crate::entities::file;
use crate::objects::{ObjectError, Objects};
use crate::temp_dirs::TempDirs;

/// A copy that nobody used for so long is removed.
const KEPT_FOR: Duration = Duration::from_secs(30);

/// Copies at once, used or not. As many are in use as pages are drawn at once, which is
/// less.
const COPIES_MAX: usize = 16;

/// Why a document could not be copied.
#[derive(Debug, thiserror::Error)]
pub enum OriginalError {
    /// The store did not give it.
    #[error(transparent)]
    Objects(#[from] ObjectError),
    /// There is no room for it.
    #[error(transparent)]
    DiskFull(#[from] DiskFull),
    /// It could not be written.
    #[error("could not copy the document: {0}; is the disk of UNTXT_DATA_DIR full?")]
    Disk(#[from] std::io::Error),
    /// What the store gave is not what was uploaded.
    #[error("object {key} has another SHA-256 or size than the upload")]
    Corrupt {
        /// Its key.
        key: String,
    },
}

/// A document on this machine. It is removed with the last reference.
#[derive(Debug)]
pub(crate) struct Original {
    path: TempPath,
    renderer: Renderer,
    used: Mutex<Instant>,
    /// Held as long as the file is there.
    _grant: SpoolGrant,
}

impl Original {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn touch(&self) {
        *lock(&self.used) = Instant::now();
    }

    fn last_used(&self) -> Instant {
        *lock(&self.used)
    }
}

impl Drop for Original {
    fn drop(&mut self) {
        // The children that have it open hold it in memory.
        self.renderer.close(&self.path);
    }
}

/// One turn a task, so that requests for its pages wait for one copy.
type Slot = Arc<tokio::sync::Mutex<Option<Arc<Original>>>>;

/// The copies.
#[derive(Debug, Default)]
pub(crate) struct Originals {
    slots: Mutex<HashMap<Uuid, Slot>>,
}

impl Originals {
    /// The document of a task, copied unless it is here.
    ///
    /// # Errors
    /// Each [`OriginalError`].
    pub(crate) async fn get(
        &self,
        task: Uuid,
        file: &file::Model,
        objects: &Objects,
        temp_dirs: &TempDirs,
        renderer: &Renderer,
    ) -> Result<Arc<Original>, OriginalError> {
        let slot = Arc::clone(lock(&self.slots).entry(task).or_default());
        let mut copied = slot.lock().await;
        if let Some(original) = &*copied {
            original.touch();
            return Ok(Arc::clone(original));
        }
        self.drop_unused(Duration::ZERO, COPIES_MAX - 1);
        let size_bytes = file.file_size.and_then(|size| u64::try_from(size).ok()).unwrap_or_default();
        let grant = match grant(temp_dirs, size_bytes).await {
            // What nobody uses makes room.
            Err(OriginalError::DiskFull(_)) if self.drop_unused(Duration::ZERO, 0) > 0 => {
                grant(temp_dirs, size_bytes).await?
            }
            granted => granted?,
        };
        let path = TempPath::try_from_path(temp_dirs.incoming())?;
        let stored = objects.get_to_file(&file.s3_key, &path).await?;
        if stored.size_bytes != size_bytes || Some(&stored.sha256) != file.file_hash.as_ref() {
            return Err(OriginalError::Corrupt { key: file.s3_key.clone() });
        }
        let used = Mutex::new(Instant::now());
        let original = Arc::new(Original { path, renderer: renderer.clone(), used, _grant: grant });
        *copied = Some(Arc::clone(&original));
        Ok(original)
    }

    /// Removes copies that nobody used for a while.
    pub(crate) fn tidy(&self) {
        self.drop_unused(KEPT_FOR, 0);
    }

    /// Removes the copy of a task; one in use goes when its last user is done.
    pub(crate) fn forget(&self, task: Uuid) {
        drop(lock(&self.slots).remove(&task));
    }

    /// Removes copies that nobody uses and nobody used for `at_least`, the longest
    /// unused first, until there are no more than `most`; how many went.
    fn drop_unused(&self, at_least: Duration, most: usize) -> usize {
        let mut slots = lock(&self.slots);
        let last_used = |slot: &Slot| {
            let copied = slot.try_lock().ok()?;
            match &*copied {
                Some(original) if Arc::strong_count(original) > 1 => None,
                Some(original) => Some(original.last_used()).filter(|used| used.elapsed() >= at_least),
                // Nobody got so far as to copy it, or it could not be copied.
                None => (Arc::strong_count(slot) == 1).then(Instant::now),
            }
        };
        let mut unused: Vec<(Instant, Uuid)> =
            slots.iter().filter_map(|(task, slot)| Some((last_used(slot)?, *task))).collect();
        unused.sort_unstable();
        let too_many = slots.len().saturating_sub(most);
        let gone: Vec<Slot> =
            unused.iter().take(too_many).filter_map(|(_, task)| slots.remove(task)).collect();
        drop(slots);
        gone.len()
    }
}

async fn grant(temp_dirs: &TempDirs, bytes: u64) -> Result<SpoolGrant, OriginalError> {
    let mut grant = temp_dirs.disk_space().begin_file();
    grant.grow(bytes).await??;
    grant.close();
    Ok(grant)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No panic leaves it half written.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
