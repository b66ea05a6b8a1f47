//! Objects for this process, without a request: files are written, moved and linked where
//! they lie. They are whole or absent like those that the server stores, and on the disk
//! when a call returns.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::Embedded;
use super::staging::Staged;
use super::stored::{self, Description, Opened};

/// Read at once to find the hash of an object.
const READ_BYTES: usize = 256 << 10;

/// A body that comes, in a file that goes away unless it is kept.
pub(in crate::objects) struct NewObject {
    file: File,
    staged: Staged,
}

impl NewObject {
    /// The file, which stands at its end.
    pub(in crate::objects) fn file(&self) -> io::Result<File> {
        self.file.try_clone()
    }
}

/// Size and hash of an object's bytes.
pub(in crate::objects) struct Measured {
    pub(in crate::objects) size_bytes: u64,
    pub(in crate::objects) sha256: String,
}

impl Embedded {
    /// Where the object of a key lies.
    pub(in crate::objects) fn path_of(&self, key: &str) -> PathBuf {
        stored::path_in(&self.bucket, key)
    }

    /// Begins an object.
    pub(in crate::objects) async fn begin(&self) -> io::Result<NewObject> {
        let staged = self.staging.file();
        blocking(move || {
            let file = OpenOptions::new().write(true).create_new(true).open(staged.path())?;
            Ok(NewObject { file, staged })
        })
        .await
    }

    /// Makes what was written the object of `key`.
    pub(in crate::objects) async fn keep(
        &self,
        key: &str,
        content_type: &str,
        object: NewObject,
    ) -> io::Result<()> {
        let (target, description) = (self.path_of(key), Description::new(key, Some(content_type)));
        blocking(move || stored::seal(object.file, object.staged, &description, &target)).await
    }

    /// Makes the file at `path` the object of `key`: it is moved, nothing is copied. A file
    /// on another disk can't be ([`io::ErrorKind::CrossesDevices`]) and stays where it is.
    pub(in crate::objects) async fn take(
        &self,
        key: &str,
        content_type: &str,
        path: &Path,
    ) -> io::Result<()> {
        let (target, description) = (self.path_of(key), Description::new(key, Some(content_type)));
        let (path, staged) = (path.to_owned(), self.staging.file());
        blocking(move || {
            fs::rename(path, staged.path())?;
            let file = OpenOptions::new().write(true).open(staged.path())?;
            stored::seal(file, staged, &description, &target)
        })
        .await
    }

    /// Gives the file of an object another name: `path`, where nothing may be. The object's
    /// bytes are the first of the file. None when there is no such object. It stays as it
    /// is, even if the object is replaced or deleted; nobody may write to it.
    pub(in crate::objects) async fn link(&self, key: &str, path: &Path) -> io::Result<Option<Measured>> {
        let (object, path) = (self.path_of(key), path.to_owned());
        blocking(move || {
            match fs::hard_link(&object, &path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound && !object.exists() => return Ok(None),
                linked => linked?,
            }
            stored::open(&path)?.map(measure).transpose()
        })
        .await
    }

    /// Opens the object of `key`, if there is one.
    pub(in crate::objects) async fn open(&self, key: &str) -> io::Result<Option<Opened>> {
        let object = self.path_of(key);
        blocking(move || stored::open(&object)).await
    }

    /// Removes the object of `key`, if there is one.
    pub(in crate::objects) async fn remove(&self, key: &str) -> io::Result<()> {
        let object = self.path_of(key);
        blocking(move || stored::remove(&object)).await
    }
}

impl Description {
    /// Of an object that is written now.
    pub(super) fn new(key: &str, content_type: Option<&str>) -> Self {
        let etag = Uuid::new_v4().simple().to_string();
        Self { key: key.to_owned(), content_type: content_type.map(str::to_owned), etag }
    }
}

fn measure(object: Opened) -> io::Result<Measured> {
    let mut bytes = object.file.take(object.size_bytes);
    let (mut hash, mut size_bytes) = (Sha256::new(), 0);
    let mut buffer = vec![0; READ_BYTES.min(usize::try_from(object.size_bytes).unwrap_or(READ_BYTES))];
    loop {
        let read = bytes.read(&mut buffer)?;
        if read == 0 {
            return Ok(Measured { size_bytes, sha256: hex::encode(hash.finalize()) });
        }
        hash.update(&buffer[..read]);
        size_bytes += read as u64;
    }
}

async fn blocking<T, F>(work: F) -> io::Result<T>
where
    T: Send + 'static,
    F: FnOnce() -> io::Result<T> + Send + 'static,
{
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}
