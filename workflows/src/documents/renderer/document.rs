//! Which file a document is: where it lies, how much of the file it is, and that it is
//! still the same one.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// A document's file, for whoever has it rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentFile {
    path: PathBuf,
    /// `None`: all of the file.
    size_bytes: Option<u64>,
}

impl DocumentFile {
    /// The first `size_bytes` of the file at `path`: behind them may be something that is
    /// no part of the document.
    #[must_use]
    pub fn new(path: PathBuf, size_bytes: u64) -> Self {
        Self { path, size_bytes: Some(size_bytes) }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl From<&Path> for DocumentFile {
    fn from(path: &Path) -> Self {
        Self { path: path.to_owned(), size_bytes: None }
    }
}

impl From<&PathBuf> for DocumentFile {
    fn from(path: &PathBuf) -> Self {
        Self::from(path.as_path())
    }
}

impl From<&Self> for DocumentFile {
    fn from(file: &Self) -> Self {
        file.clone()
    }
}

/// A document as it lies at a path. Another one that is put there later is not equal to
/// it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Document {
    path: PathBuf,
    inode: (u64, u64),
    size_bytes: u64,
    changed: (i64, i64),
}

impl Document {
    pub(super) fn new(file: &DocumentFile, metadata: &Metadata) -> Self {
        Self {
            path: file.path.clone(),
            inode: (metadata.dev(), metadata.ino()),
            size_bytes: file.size_bytes.map_or(metadata.len(), |bytes| bytes.min(metadata.len())),
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
