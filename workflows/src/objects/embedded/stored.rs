//! The file an object is.
//!
//! ```text
//! body ‖ description (JSON) ‖ length of the description (4 bytes, little endian) ‖ "untxtob1"
//! ```
//!
//! One file, so that body and description change in one step; the description
//! last, so that the body can be written before its length is known; and named
//! by the hash of its key, so that no key is too long for a file system, means
//! a directory, or stands in another's way.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::staging::Staged;

const MAGIC: &[u8; 8] = b"untxtob1";
const TAIL_BYTES: u64 = 12;

/// A key is 1024 bytes at most, a content type as long as a header may be.
const DESCRIPTION_BYTES_MAX: u64 = 64 << 10;

/// What is known of an object besides its bytes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::objects) struct Description {
    /// The key, which the file's name does not tell.
    pub(super) key: String,
    /// As it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::objects) content_type: Option<String>,
    /// New at every write.
    pub(super) etag: String,
}

/// An object that was opened; the file stands at its first byte.
pub(in crate::objects) struct Opened {
    pub(in crate::objects) file: File,
    pub(in crate::objects) size_bytes: u64,
    pub(super) modified: SystemTime,
    pub(in crate::objects) description: Description,
}

/// The file of an object in the bucket's directory.
pub(super) fn path_in(bucket: &Path, key: &str) -> PathBuf {
    let name = hex::encode(Sha256::digest(key));
    bucket.join(&name[..2]).join(name)
}

/// Makes the body in `staged` the object at `target`. When this returns it is
/// on the disk, and so is its name.
pub(super) fn seal(
    mut body: File,
    staged: Staged,
    description: &Description,
    target: &Path,
) -> io::Result<()> {
    let text = serde_json::to_vec(description)?;
    let length = u32::try_from(text.len()).map_err(io::Error::other)?;
    body.seek(SeekFrom::End(0))?;
    body.write_all(&text)?;
    body.write_all(&length.to_le_bytes())?;
    body.write_all(MAGIC)?;
    body.sync_all()?;
    let dir = target.parent().ok_or_else(|| io::Error::other("an object's file lies in a directory"))?;
    if !dir.is_dir() {
        fs::create_dir_all(dir)?;
        dir.parent().map_or(Ok(()), sync_dir)?;
    }
    staged.keep(target)?;
    sync_dir(dir)
}

/// Removes an object, if there is one.
pub(super) fn remove(target: &Path) -> io::Result<()> {
    match fs::remove_file(target) {
        Ok(()) => target.parent().map_or(Ok(()), sync_dir),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Opens an object; none when there isn't one.
pub(super) fn open(target: &Path) -> io::Result<Option<Opened>> {
    let mut file = match File::open(target) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let metadata = file.metadata()?;
    let length = metadata.len();
    let (description, description_bytes) = description(&mut file, length)?;
    file.rewind()?;
    let size_bytes = length - TAIL_BYTES - description_bytes;
    Ok(Some(Opened { file, size_bytes, modified: metadata.modified()?, description }))
}

/// The keys of the objects in the bucket's directory.
pub(super) fn keys(bucket: &Path) -> io::Result<Vec<String>> {
    let mut keys = Vec::new();
    for dir in fs::read_dir(bucket)? {
        for object in fs::read_dir(dir?.path())? {
            let mut file = File::open(object?.path())?;
            let length = file.metadata()?.len();
            keys.push(description(&mut file, length)?.0.key);
        }
    }
    Ok(keys)
}

fn description(file: &mut File, length: u64) -> io::Result<(Description, u64)> {
    let broken = || io::Error::new(ErrorKind::InvalidData, "the object's file has no description");
    let tail_at = length.checked_sub(TAIL_BYTES).ok_or_else(broken)?;
    file.seek(SeekFrom::Start(tail_at))?;
    let (mut size, mut magic) = ([0; 4], [0; 8]);
    file.read_exact(&mut size)?;
    file.read_exact(&mut magic)?;
    let size = u64::from(u32::from_le_bytes(size));
    let at = tail_at.checked_sub(size).ok_or_else(broken)?;
    if &magic != MAGIC || size > DESCRIPTION_BYTES_MAX {
        return Err(broken());
    }
    file.seek(SeekFrom::Start(at))?;
    let mut text = Vec::new();
    file.take(size).read_to_end(&mut text)?;
    Ok((serde_json::from_slice(&text)?, size))
}

fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}
