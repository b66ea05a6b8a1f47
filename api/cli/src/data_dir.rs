//! The data directory, which holds users' documents and is its owner's alone.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

use rustix::fs::Mode;
use untxt_settings::Config;

use crate::failure::Failure;

/// What others may do with a private file: nothing.
const OTHERS: u32 = 0o077;

/// What earlier versions left readable in the data directory.
const KEPT: [&str; 6] = ["untxt.db", "untxt.db-wal", "untxt.db-shm", "objects", "tmp", "cache"];

/// Makes the data directory with mode 0700 when it isn't there. In one that is,
/// what this program keeps is made private; the directory itself stays as it is,
/// since it may hold other things as well. From now on this process and its children
/// make files for their owner alone (mode 0600, directories 0700), those of libraries
/// such as the database's write-ahead log included.
///
/// # Errors
/// [`Failure::usage`] when it can't be made, naming `UNTXT_DATA_DIR`.
pub(crate) fn prepare(config: &Config) -> Result<(), Failure> {
    rustix::process::umask(Mode::from_raw_mode(OTHERS));
    let dir = &config.data_dir;
    make(dir).and_then(|()| tighten(dir)).map_err(|error| {
        Failure::usage(format!(
            "can't make the data directory {}: {error}; UNTXT_DATA_DIR names it",
            dir.display()
        ))
    })
}

fn make(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o777 & !OTHERS).create(dir)
}

fn tighten(dir: &Path) -> io::Result<()> {
    for name in KEPT {
        let path = dir.join(name);
        let mode = match fs::symlink_metadata(&path) {
            // A link leads to a place that somebody else chose.
            Ok(found) if found.is_symlink() => continue,
            Ok(found) => found.permissions().mode(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        if mode & OTHERS != 0 {
            tracing::info!(path = %path.display(), "removed access for other users");
            ignore_missing(fs::set_permissions(&path, Permissions::from_mode(mode & !OTHERS)))?;
        }
    }
    Ok(())
}

/// Another process may have ended and taken its write-ahead log away.
fn ignore_missing(outcome: io::Result<()>) -> io::Result<()> {
    match outcome {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_new_directory_is_private_and_in_an_old_one_what_is_kept_is() {
        let parent = tempfile::tempdir().unwrap();
        let new = parent.path().join("a/b");
        make(&new).unwrap();
        assert_eq!(mode(&new), 0o700);

        let old = parent.path().join("old");
        fs::create_dir(&old).unwrap();
        fs::set_permissions(&old, Permissions::from_mode(0o755)).unwrap();
        for name in ["untxt.db", "notes.txt"] {
            fs::write(old.join(name), "x").unwrap();
            fs::set_permissions(old.join(name), Permissions::from_mode(0o644)).unwrap();
        }
        make(&old).and_then(|()| tighten(&old)).unwrap();
        assert_eq!((mode(&old), mode(&old.join("untxt.db"))), (0o755, 0o600));
        assert_eq!(mode(&old.join("notes.txt")), 0o644, "a file of somebody else's");
    }
}
