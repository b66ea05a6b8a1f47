//! What lies on the disks of the processes.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Every file below `dir` but locks, which mark the living; none when there is
/// no such directory.
///
/// # Errors
/// When a directory can't be read.
pub(crate) fn files(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![dir.to_owned()];
    while let Some(dir) = open.pop() {
        let entries = match fs::read_dir(&dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries?,
        };
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else if path.file_name().is_none_or(|name| name != "lock") {
                found.push(path);
            }
        }
    }
    Ok(found)
}
