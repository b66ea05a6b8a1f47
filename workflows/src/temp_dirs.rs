//! Where files lie while somebody works on them: one directory a process, in
//! it one a task. The process's directory is locked as long as it lives, so a
//! later process can tell what the dead have left behind and takes it away.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use untxt_engine::id::RunId;
use uuid::Uuid;

use crate::disk_space::DiskSpace;

const LOCK: &str = "lock";

/// This process's directory. Dropping it removes it.
#[derive(Debug)]
pub struct TempDirs {
    root: PathBuf,
    disk_space: Arc<DiskSpace>,
    /// Held, not read: the lock ends with the process, however it ends.
    _lock: File,
}

/// What processes that are gone left behind.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct StaleProcesses {
    /// Names of the processes, each unique over all time.
    pub dead: Vec<String>,
}

impl TempDirs {
    /// Takes the directory `name` under `parent`, after removing those whose
    /// process is gone. `disk_space` is asked before files are written there.
    ///
    /// # Errors
    /// When `parent` can't be written to.
    pub fn open(parent: &Path, name: &str, disk_space: DiskSpace) -> io::Result<(Self, StaleProcesses)> {
        fs::create_dir_all(parent)?;
        // One process at a time, so that nobody buries a directory whose owner
        // has made it but not yet locked it.
        let door = File::create(parent.join(LOCK))?;
        door.lock()?;
        let stale = remove_stale(parent)?;
        let root = parent.join(name);
        fs::create_dir(&root)?;
        let lock = File::create(root.join(LOCK))?;
        lock.lock()?;
        Ok((Self { root, disk_space: Arc::new(disk_space), _lock: lock }, stale))
    }

    /// The disk it is on, and the others that taking work needs.
    #[must_use]
    pub fn disk_space(&self) -> &Arc<DiskSpace> {
        &self.disk_space
    }

    /// Where the directory of a task is, or would be.
    #[must_use]
    pub fn of_task(&self, run: RunId) -> PathBuf {
        self.root.join(run.to_string())
    }

    /// The directory of a task; made if it isn't there.
    ///
    /// # Errors
    /// When it can't be made.
    pub async fn task(&self, run: RunId) -> io::Result<PathBuf> {
        let dir = self.of_task(run);
        tokio::fs::create_dir_all(&dir).await?;
        Ok(dir)
    }

    /// Removes the directory of a task, if there is one.
    ///
    /// # Errors
    /// When it can't be removed.
    pub async fn clear(&self, run: RunId) -> io::Result<()> {
        match tokio::fs::remove_dir_all(self.of_task(run)).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// The tasks that have a directory here.
    ///
    /// # Errors
    /// When the directory can't be read.
    pub async fn tasks(&self) -> io::Result<Vec<RunId>> {
        let mut entries = tokio::fs::read_dir(&self.root).await?;
        let mut tasks = Vec::new();
        while let Some(entry) = entries.next_entry().await? {
            let id = entry.file_name().to_str().and_then(|name| Uuid::parse_str(name).ok());
            tasks.extend(id.map(RunId));
        }
        Ok(tasks)
    }

    /// A path for a file that is on its way in; nobody else gets it.
    #[must_use]
    pub fn incoming(&self) -> PathBuf {
        self.root.join(format!("incoming-{}", Uuid::new_v4().simple()))
    }
}

impl Drop for TempDirs {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.root) {
            tracing::warn!(path = %self.root.display(), %error, "can't remove the temporary directory; the next start retries");
        }
    }
}

/// Removes the directories nobody holds the lock of.
fn remove_stale(parent: &Path) -> io::Result<StaleProcesses> {
    let mut stale = StaleProcesses::default();
    for entry in fs::read_dir(parent)? {
        let path = entry?.path();
        if !path.is_dir() || is_held(&path.join(LOCK))? {
            continue;
        }
        fs::remove_dir_all(&path)?;
        stale.dead.extend(path.file_name().and_then(|name| name.to_str()).map(str::to_owned));
    }
    Ok(stale)
}

fn is_held(lock: &Path) -> io::Result<bool> {
    match File::open(lock) {
        Ok(lock) => match lock.try_lock() {
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(error),
            Ok(()) => Ok(false),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk_space::DiskLimits;

    fn open(parent: &tempfile::TempDir, name: &str) -> io::Result<(TempDirs, StaleProcesses)> {
        let disk_space = DiskSpace::new(parent.path(), None, None, DiskLimits::default());
        TempDirs::open(parent.path(), name, disk_space)
    }

    #[tokio::test]
    async fn the_living_are_left_alone_and_the_dead_are_named_and_gone() {
        let parent = tempfile::tempdir().unwrap();
        let (alive, _) = open(&parent, "alive").unwrap();
        alive.task(RunId::new()).await.unwrap();
        let (dead, _) = open(&parent, "dead").unwrap();
        let left = dead.task(RunId::new()).await.unwrap();
        fs::write(left.join("page.pdf"), b"x").unwrap();
        dead.die();

        let (_next, stale) = open(&parent, "next").unwrap();
        assert_eq!(stale.dead, ["dead"]);
        assert!(!parent.path().join("dead").exists());
        assert_eq!(alive.tasks().await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_task_that_ends_leaves_nothing() {
        let parent = tempfile::tempdir().unwrap();
        let (dirs, _) = open(&parent, "w").unwrap();
        let run = RunId::new();
        fs::write(dirs.task(run).await.unwrap().join("a"), b"x").unwrap();
        dirs.clear(run).await.unwrap();
        dirs.clear(run).await.unwrap();
        assert_eq!(dirs.tasks().await.unwrap(), []);
        drop(dirs);
        let left: Vec<_> =
            fs::read_dir(parent.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, [LOCK]);
    }

    impl TempDirs {
        /// What kill -9 does: the lock is gone, the files are not.
        fn die(self) {
            self._lock.unlock().unwrap();
            std::mem::forget(self);
        }
    }
}
