//! Where files lie until they are whole: one directory a process, locked as
//! long as it lives, so that a later process knows what the dead left behind.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use uuid::Uuid;

/// Beside the buckets. No bucket has such a name: they begin with a letter or
/// a digit.
pub(super) const DIR: &str = ".staging";

const LOCK: &str = "lock";

/// This process's directory. Dropping it removes it.
#[derive(Debug)]
pub(super) struct Staging {
    root: PathBuf,
    /// Held, not read: the lock ends with the process, however it ends.
    _lock: File,
}

impl Staging {
    /// Makes a directory of one's own under `parent` and removes those whose
    /// process is gone.
    pub(super) fn open(parent: &Path) -> io::Result<Self> {
        fs::create_dir_all(parent)?;
        // One process at a time, so that nobody removes a directory whose
        // owner has made it but not yet locked it.
        let door = File::create(parent.join(LOCK))?;
        door.lock()?;
        remove_dead(parent)?;
        let root = parent.join(Uuid::new_v4().to_string());
        fs::create_dir(&root)?;
        let lock = File::create(root.join(LOCK))?;
        lock.lock()?;
        Ok(Self { root, _lock: lock })
    }

    /// A path that nobody has used.
    pub(super) fn file(&self) -> Staged {
        Staged { path: self.root.join(Uuid::new_v4().to_string()), kept: false }
    }

    /// The directory of an upload in parts.
    pub(super) fn upload(&self, id: Uuid) -> PathBuf {
        self.root.join(format!("upload-{id}"))
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // What can't be removed now goes at the next start.
        if let Err(error) = fs::remove_dir_all(&self.root) {
            tracing::debug!(%error, "the staging directory stays until the next start");
        }
    }
}

fn remove_dead(parent: &Path) -> io::Result<()> {
    for entry in fs::read_dir(parent)? {
        let dir = entry?.path();
        if dir.is_dir() && !is_alive(&dir)? {
            fs::remove_dir_all(&dir)?;
        }
    }
    Ok(())
}

/// Without a lock file its owner died between two lines of `open`.
fn is_alive(dir: &Path) -> io::Result<bool> {
    let lock = match File::open(dir.join(LOCK)) {
        Ok(lock) => lock,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    match lock.try_lock() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// A file that is removed unless it was moved to where it belongs.
#[derive(Debug)]
pub(super) struct Staged {
    path: PathBuf,
    kept: bool,
}

impl Staged {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Moves the file to `target`, replacing what is there in one step.
    pub(super) fn keep(mut self, target: &Path) -> io::Result<()> {
        fs::rename(&self.path, target)?;
        self.kept = true;
        Ok(())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.kept
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::debug!(%error, "a staged file stays until the next start");
        }
    }
}
