//! The resources of a step, and the local copy of each task's file.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::Mutex;
use untxt_engine::error::StepError;
use untxt_engine::id::RunId;
use untxt_plugins::Registry;
use uuid::Uuid;

use crate::decode_budget::DecodeBudgets;
use crate::documents::renderer::{DocumentFile, Renderer};
use crate::entities::file;
use crate::fetch::FetchSettings;
use crate::image_cache::ImageCache;
use crate::objects::{ObjectError, Objects, Stored};
use crate::originals::{Original, OriginalError, Originals};
use crate::step_error;
use crate::task_input::FileInput;
use crate::temp_dirs::TempDirs;

/// Everything a step may use.
pub(crate) struct Resources {
    /// The files.
    pub(crate) objects: Objects,
    /// The engines.
    pub(crate) engines: Arc<Registry>,
    /// What turns a file into page images.
    pub(crate) renderer: Renderer,
    /// Where local copies lie.
    pub(crate) temp_dirs: Arc<TempDirs>,
    /// What documents may still take to decode.
    pub(crate) decode_budgets: DecodeBudgets,
    /// How documents are fetched from URLs.
    pub(crate) fetch: FetchSettings,
    /// Copies of documents for people who look at their pages.
    pub(crate) originals: Originals,
    /// Images of pages that were made lately.
    pub(crate) images: ImageCache,
    /// One lock a task, so that its pages wait for one download.
    fetching: Mutex<HashMap<RunId, Arc<Mutex<()>>>>,
}

impl Resources {
    /// Collects the resources.
    #[must_use]
    pub(crate) fn new(
        objects: Objects,
        engines: Arc<Registry>,
        renderer: Renderer,
        temp_dirs: Arc<TempDirs>,
        decode_budgets: DecodeBudgets,
        fetch: FetchSettings,
        images: ImageCache,
    ) -> Self {
        let (originals, fetching) = (Originals::default(), Mutex::default());
        Self { objects, engines, renderer, temp_dirs, decode_budgets, fetch, originals, images, fetching }
    }

    /// The task's file on this machine: linked to the store if that is on the same disk,
    /// else fetched, and checked against its hash, unless it is here. Pages may run where
    /// the download step did not.
    ///
    /// # Errors
    /// `OBJECT_CORRUPT` when what came is not what was uploaded; the store's
    /// and the disk's own failures.
    pub(crate) async fn local_copy(&self, run: RunId, file: &FileInput) -> Result<DocumentFile, StepError> {
        let turn = Arc::clone(self.fetching.lock().await.entry(run).or_default());
        let _mine = turn.lock().await;
        let path = self.copy_path(run).await?;
        if tokio::fs::try_exists(&path).await.unwrap_or(false) {
            return Ok(DocumentFile::new(path, file.size_bytes));
        }
        let stored = self.copy(&file.key, file.size_bytes, &path).await?;
        if stored.sha256 != file.sha256 || stored.size_bytes != file.size_bytes {
            self.clear(run).await;
            let message = format!(
                "object {} has SHA-256 {} and {} bytes; {} and {} were uploaded",
                file.key, stored.sha256, stored.size_bytes, file.sha256, file.size_bytes
            );
            return Err(StepError::permanent("OBJECT_CORRUPT", message));
        }
        Ok(DocumentFile::new(path, file.size_bytes))
    }

    /// The document of a task for people who look at it.
    ///
    /// # Errors
    /// Each [`OriginalError`].
    pub(crate) async fn original(
        &self,
        task: Uuid,
        file: &file::Model,
    ) -> Result<Arc<Original>, OriginalError> {
        self.originals.get(task, file, &self.objects, &self.temp_dirs, &self.renderer).await
    }

    /// Removes what people looked at of a task that was erased. What can't be removed now
    /// is removed by the next comparison of images with tasks.
    pub(crate) async fn forget_views(&self, task: Uuid) {
        self.originals.forget(task);
        if let Err(error) = self.images.remove(task).await {
            tracing::warn!(%task, %error, "can't remove the page images of an erased task; the next pass retries");
        }
    }

    /// The file that an earlier attempt of the task fetched from a URL, if one stored it:
    /// its size, hash and media type. It is on this machine then.
    ///
    /// # Errors
    /// The store's and the disk's own failures.
    pub(crate) async fn stored_earlier(
        &self,
        run: RunId,
        key: &str,
    ) -> Result<Option<(Stored, Option<String>)>, StepError> {
        // A copy of what another attempt fetched and did not store would be taken for it.
        self.clear(run).await;
        let head = match self.objects.head(key).await {
            Ok(head) => head,
            Err(ObjectError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(step_error::of_object(&error)),
        };
        let path = self.copy_path(run).await?;
        let stored = self.copy(key, head.size_bytes, &path).await?;
        Ok(Some((stored, head.content_type)))
    }

    /// Where the task's file is on this machine, or is to be; its directory is there.
    async fn copy_path(&self, run: RunId) -> Result<PathBuf, StepError> {
        let dir = self.temp_dirs.task(run).await;
        Ok(dir.map_err(|e| step_error::of_disk("make the task's directory", &e))?.join("document"))
    }

    async fn copy(&self, key: &str, size_bytes: u64, path: &Path) -> Result<Stored, StepError> {
        let linked = self.objects.link_to_file(key, path).await;
        if let Some(linked) = linked.map_err(|e| step_error::of_object(&e))? {
            return Ok(linked);
        }
        let checked = self.temp_dirs.disk_space().check(size_bytes).await;
        let checked = checked.map_err(|e| step_error::of_disk("ask for its room", &e))?;
        checked.map_err(|e| step_error::of_full_disk(&e))?;
        self.objects.get_to_file(key, path).await.map_err(|e| step_error::of_object(&e))
    }

    /// Takes the task's local files away. What can't be removed now is removed
    /// by the next sweep or the next start.
    pub(crate) async fn clear(&self, run: RunId) {
        self.fetching.lock().await.remove(&run);
        self.renderer.close(&self.temp_dirs.of_task(run));
        self.decode_budgets.forget(run);
        if let Err(error) = self.temp_dirs.clear(run).await {
            tracing::warn!(%run, %error, "can't remove the task's local files; the next sweep retries");
        }
    }
}
