//! From a task's result to files.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use untxt_workflows::ocr::ResultSummary;
use untxt_workflows::platform::Platform;
use uuid::Uuid;

use super::erase::erase;
use super::intake::FileJob;
use super::targets;
use crate::failure::{Failure, chain};

/// A finished task and where its result goes.
pub(super) struct Export<'a> {
    pub(super) platform: &'a Arc<Platform>,
    pub(super) job: &'a FileJob,
    pub(super) task: Uuid,
}

impl Export<'_> {
    /// Writes every format; each file is complete when its name appears. Fails
    /// when one could not be made, but not before the others are written.
    pub(super) async fn write(&self) -> Result<(ResultSummary, Vec<PathBuf>), Failure> {
        let summary = summary(self.platform, self.task).await?;
        let mut written = Vec::new();
        for object in &summary.objects {
            let path = targets::result(&self.job.target, object.kind());
            let stored = self.platform.objects().get_to_file(&object.key, &path).await;
            let stored =
                stored.map_err(|error| Failure::work(format!("{}: {}", path.display(), chain(&error))))?;
            if stored.sha256 != object.sha256 {
                return Err(Failure::work(format!("{}: the stored result was changed", path.display())));
            }
            self.share(&path).map_err(|error| Failure::file(&path, &error))?;
            written.push(path);
        }
        match summary.failed_formats.first() {
            None => Ok((summary, written)),
            Some(failed) => Err(Failure::work(format!(
                "{} could not be made: {}: {}; the other formats are written",
                failed.format, failed.code, failed.message
            ))),
        }
    }

    /// Makes a result as readable as the file it was made from; it was written
    /// for its owner alone.
    fn share(&self, path: &Path) -> std::io::Result<()> {
        let mut permissions = std::fs::metadata(&self.job.path)?.permissions();
        let owners = std::fs::metadata(path)?.permissions().mode();
        permissions.set_mode(permissions.mode() & 0o666 | owners);
        std::fs::set_permissions(path, permissions)
    }

    /// Takes the task away, with its objects.
    pub(super) async fn erase(&self) -> Result<(), Failure> {
        erase(self.platform, self.task).await
    }
}

/// The summary of a finished task.
async fn summary(platform: &Platform, task: Uuid) -> Result<ResultSummary, Failure> {
    let missing = || Failure::work(format!("task {task} has no result"));
    let (row, _) = platform.records.task(task).await?.ok_or_else(missing)?;
    serde_json::from_value(row.result.ok_or_else(missing)?).map_err(Failure::work)
}
