//! Files that become objects, and objects that become files. Where the store is on this
//! disk, nothing is copied.

use std::io::ErrorKind;
use std::path::Path;

use sha2::{Digest, Sha256};
use tokio::fs::File;
use tokio::io::AsyncWriteExt;
use tokio_util::io::ReaderStream;

use super::body::Body;
use super::error::ObjectError;
use super::keys;
use super::store::{Objects, Stored};

impl Objects {
    /// Stores the file at `path`, of `size_bytes`, which nobody else may use: it is moved
    /// into the store if that is on the same disk, else copied. It may be gone then, even
    /// after an error.
    ///
    /// # Errors
    /// [`ObjectError::Disk`], and those of [`Objects::put_stream`].
    pub async fn put_file(
        &self,
        key: &str,
        content_type: &str,
        path: &Path,
        size_bytes: u64,
    ) -> Result<(), ObjectError> {
        keys::check(key)?;
        if let Some(embedded) = self.embedded() {
            match embedded.take(key, content_type, path).await {
                Err(error) if error.kind() == ErrorKind::CrossesDevices => {}
                taken => return taken.map_err(|source| self.disk("storing", embedded, key, source)),
            }
        }
        let file = File::open(path).await;
        let file =
            file.map_err(|source| ObjectError::Disk { doing: "reading", path: path.to_owned(), source })?;
        self.put_stream(key, content_type, ReaderStream::new(file), size_bytes).await.map(drop)
    }

    /// Gives the file of an object another name, `path`, if the store is on the same disk
    /// and its file system can do that; else nothing happens (`None`). The object's bytes,
    /// of which size and hash are told, are the first of that file; it stays as it is,
    /// whatever becomes of the object, and nobody may write to it.
    ///
    /// # Errors
    /// [`ObjectError::Key`], [`ObjectError::NotFound`].
    pub async fn link_to_file(&self, key: &str, path: &Path) -> Result<Option<Stored>, ObjectError> {
        keys::check(key)?;
        let Some(embedded) = self.embedded() else { return Ok(None) };
        match embedded.link(key, path).await {
            Ok(Some(measured)) => {
                Ok(Some(Stored { size_bytes: measured.size_bytes, sha256: measured.sha256 }))
            }
            Ok(None) => Err(ObjectError::NotFound { at: self.place(key) }),
            Err(error) => {
                tracing::debug!(%error, "an object can't be linked and is copied");
                Ok(None)
            }
        }
    }

    /// Fetches an object into the file `path`, which is there whole or not at
    /// all, whatever happens in between. Its directory must exist.
    ///
    /// # Errors
    /// [`ObjectError::Key`], [`ObjectError::Disk`],
    /// [`ObjectError::Unavailable`] when the answer breaks off, and what the
    /// store answers.
    pub async fn get_to_file(&self, key: &str, path: &Path) -> Result<Stored, ObjectError> {
        let disk = |source| ObjectError::Disk { doing: "writing", path: path.to_owned(), source };
        let body = self.get(key, None).await?;
        let dir = path.parent().unwrap_or_else(|| Path::new("."));
        // Beside the target, because a rename across file systems is a copy;
        // removed when dropped, because whoever waits for this may give up.
        let temp = tempfile::Builder::new().prefix(".fetch-").tempfile_in(dir).map_err(disk)?;
        let mut file = File::from_std(temp.as_file().try_clone().map_err(disk)?);
        let stored = self.pour(key, body, &mut file, path).await?;
        file.flush().await.map_err(disk)?;
        temp.persist(path).map_err(|e| disk(e.error))?;
        Ok(stored)
    }

    async fn pour(
        &self,
        key: &str,
        mut body: Body,
        file: &mut File,
        path: &Path,
    ) -> Result<Stored, ObjectError> {
        let (mut hash, mut size_bytes) = (Sha256::new(), 0);
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|e| self.broke_off(key, e))?;
            size_bytes += chunk.len() as u64;
            hash.update(&chunk);
            let written = file.write_all(&chunk).await;
            written.map_err(|source| ObjectError::Disk {
                doing: "writing",
                path: path.to_owned(),
                source,
            })?;
        }
        Ok(Stored { size_bytes, sha256: hex::encode(hash.finalize()) })
    }
}
