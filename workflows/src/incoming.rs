//! An upload on its way in: spooled to disk with constant memory, hashed and
//! looked at while it comes.
//!
//! It can't go straight to the store: its key begins with the user, and a
//! client may send the file before it says who it is. And a document that can't
//! be read is refused before a task exists, which takes all of it.

use std::path::Path;

use sha2::{Digest, Sha256};
use tempfile::TempPath;
use tokio::fs::File;
use tokio::io::{AsyncWriteExt, BufWriter};

use crate::disk_space::{DiskFull, SpoolGrant};
use crate::documents::DocumentError;
use crate::documents::kind::Kind;
use crate::documents::sniff::{HEAD_BYTES, sniff};
use crate::temp_dirs::TempDirs;

/// Bytes that are gathered before they are written.
const BUFFER_BYTES: usize = 256 << 10;

/// Why an upload was not taken.
#[derive(Debug, thiserror::Error)]
pub enum IncomingError {
    /// It is larger than allowed.
    #[error("the file is larger than {bytes_max} bytes; UNTXT_MAX_UPLOAD_BYTES sets the limit")]
    TooLarge {
        /// The limit.
        bytes_max: u64,
    },
    /// Its first bytes say that it is nothing we read.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// There is no room for it now.
    #[error(transparent)]
    DiskFull(#[from] DiskFull),
    /// It could not be written down.
    #[error("could not spool the upload: {0}; is the disk of UNTXT_DATA_DIR full?")]
    Disk(#[from] std::io::Error),
}

/// An upload while it comes in. Dropped, it leaves nothing.
#[derive(Debug)]
pub struct Incoming {
    path: TempPath,
    file: BufWriter<File>,
    hash: Sha256,
    head: Vec<u8>,
    kind: Option<Kind>,
    size_bytes: u64,
    bytes_max: u64,
    grant: SpoolGrant,
}

/// An upload that is complete. Dropped, its file is removed.
#[derive(Debug)]
pub struct Spooled {
    path: TempPath,
    /// By its first bytes.
    pub kind: Kind,
    /// SHA-256, hexadecimal.
    pub sha256: String,
    /// Bytes.
    pub size_bytes: u64,
    /// Held as long as the file is there.
    _grant: SpoolGrant,
}

impl Spooled {
    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Incoming {
    /// Begins to take a file of at most `bytes_max` bytes.
    ///
    /// # Errors
    /// [`IncomingError::DiskFull`] when there is none for its first bytes,
    /// [`IncomingError::Disk`].
    pub async fn begin(temp_dirs: &TempDirs, bytes_max: u64) -> Result<Self, IncomingError> {
        let mut grant = temp_dirs.disk_space().begin_file();
        grant.grow(0).await??;
        let path = temp_dirs.incoming();
        let file = File::create_new(&path).await?;
        Ok(Self {
            path: TempPath::try_from_path(path)?,
            file: BufWriter::with_capacity(BUFFER_BYTES, file),
            hash: Sha256::new(),
            head: Vec::with_capacity(HEAD_BYTES),
            kind: None,
            size_bytes: 0,
            bytes_max,
            grant,
        })
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// [`IncomingError::TooLarge`] with the first byte too many,
    /// [`IncomingError::Document`] as soon as the first bytes tell,
    /// [`IncomingError::DiskFull`], [`IncomingError::Disk`].
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), IncomingError> {
        self.size_bytes += bytes.len() as u64;
        if self.size_bytes > self.bytes_max {
            return Err(IncomingError::TooLarge { bytes_max: self.bytes_max });
        }
        if self.kind.is_none() {
            let missing = HEAD_BYTES - self.head.len();
            self.head.extend_from_slice(&bytes[..bytes.len().min(missing)]);
            if self.head.len() == HEAD_BYTES {
                self.kind = Some(sniff(&self.head)?);
            }
        }
        self.grant.grow(bytes.len() as u64).await??;
        metrics::counter!("untxt_upload_bytes_total").increment(bytes.len() as u64);
        self.hash.update(bytes);
        Ok(self.file.write_all(bytes).await?)
    }

    /// All of it came.
    ///
    /// # Errors
    /// [`IncomingError::Document`] for an empty or unknown file,
    /// [`IncomingError::Disk`].
    pub async fn finish(mut self) -> Result<Spooled, IncomingError> {
        let kind = match self.kind {
            Some(kind) => kind,
            None => sniff(&self.head)?,
        };
        self.file.flush().await?;
        self.grant.close();
        let sha256 = hex::encode(self.hash.finalize());
        Ok(Spooled { path: self.path, kind, sha256, size_bytes: self.size_bytes, _grant: self.grant })
    }
}
