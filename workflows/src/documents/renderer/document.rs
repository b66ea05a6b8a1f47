//! Which file it is: where it lies, and that it is still the same one.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A file at a path. Another one that is put there later is not equal to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Document {
    path: PathBuf,
    inode: (u64, u64),
    size_bytes: u64,
    changed: (i64, i64),
}

impl Document {
    pub(super) fn new(path: &Path, metadata: &Metadata) -> Self {
        Self {
            path: path.to_owned(),
            inode: (metadata.dev(), metadata.ino()),
            size_bytes: metadata.len(),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn size_bytes(&self) -> u64 {
        self.size_bytes
    }
}
