//! Room that is kept for a database in a file: blocks of its disk that no other
//! program can take. They are given up when a write that makes room finds the
//! disk full, and taken again once there is room.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FallocateFlags, StatVfs, fallocate, statvfs};
use rustix::io::Errno;

/// Bytes that are kept: as much as SQLite writes ahead before it writes back (1000
/// pages of 4 KiB). A cancel or an erasure writes less, and writing back may make
/// the database longer by that much.
const BYTES_MAX: u64 = 4 << 20;

/// A small file system keeps this part of itself.
const PART: u64 = 10;

/// What is kept is whole blocks.
const BLOCK_BYTES: u64 = 4 << 10;

/// The file beside a database that keeps room for it. All processes that use the
/// database share it, and each may give it up or make it again.
#[derive(Clone, Debug)]
pub struct Reserve {
    path: PathBuf,
}

impl Reserve {
    /// That of the database in the file `database`: `untxt.db-reserve` beside
    /// `untxt.db`.
    pub(super) fn of(database: &Path) -> Self {
        let mut name = database.as_os_str().to_owned();
        name.push("-reserve");
        Self { path: name.into() }
    }

    /// Bytes that are not kept now: 0 unless the room was given up, or was never
    /// there.
    ///
    /// # Errors
    /// When the file system can't be asked.
    pub fn missing_bytes(&self) -> io::Result<u64> {
        let kept = match self.path.metadata() {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == ErrorKind::NotFound => 0,
            Err(error) => return Err(error),
        };
        Ok(wanted_bytes(&self.disk()?).saturating_sub(kept))
    }

    /// Keeps the room, if that leaves as much again free; whether it is kept now.
    ///
    /// # Errors
    /// When the file can't be made, for another reason than a full disk.
    pub fn restore(&self) -> io::Result<bool> {
        if self.missing_bytes()? == 0 {
            return Ok(true);
        }
        let disk = self.disk()?;
        let wanted = wanted_bytes(&disk);
        if disk.f_bavail.saturating_mul(disk.f_frsize) < wanted.saturating_mul(2) {
            return Ok(false);
        }
        let mut file = OpenOptions::new().create(true).append(true).mode(0o600).open(&self.path)?;
        match allocate(&mut file, wanted) {
            Ok(()) => Ok(true),
            Err(error) => {
                // A part of it is of no use, and counts as nothing.
                file.set_len(0)?;
                if error.kind() == ErrorKind::StorageFull { Ok(false) } else { Err(error) }
            }
        }
    }

    /// Gives the room up; whether there was any.
    ///
    /// # Errors
    /// When the file can't be cut short.
    pub fn release(&self) -> io::Result<bool> {
        match OpenOptions::new().write(true).open(&self.path) {
            Ok(file) => {
                let kept = file.metadata()?.len() > 0;
                file.set_len(0)?;
                Ok(kept)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The directory of the database.
    #[must_use]
    pub fn dir(&self) -> &Path {
        // A name without a folder lies where this process is.
        let dir = self.path.parent().filter(|dir| !dir.as_os_str().is_empty());
        dir.unwrap_or_else(|| Path::new("."))
    }

    fn disk(&self) -> io::Result<StatVfs> {
        Ok(statvfs(self.dir())?)
    }
}

fn wanted_bytes(disk: &StatVfs) -> u64 {
    let part = disk.f_blocks.saturating_mul(disk.f_frsize) / PART;
    part.min(BYTES_MAX) / BLOCK_BYTES * BLOCK_BYTES
}

/// Blocks that are the file's own. Where the file system can't promise any, they
/// are written.
fn allocate(file: &mut File, bytes: u64) -> io::Result<()> {
    match fallocate(&*file, FallocateFlags::empty(), 0, bytes) {
        Err(Errno::OPNOTSUPP) => {
            file.set_len(0)?;
            let block = [0; BLOCK_BYTES as usize];
            for _ in 0..bytes / BLOCK_BYTES {
                file.write_all(&block)?;
            }
            file.sync_all()
        }
        allocated => Ok(allocated?),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    use super::*;

    #[test]
    fn room_is_kept_in_real_blocks_given_up_and_kept_again() {
        let dir = tempfile::tempdir().unwrap();
        let reserve = Reserve::of(&dir.path().join("untxt.db"));
        assert!(reserve.missing_bytes().unwrap() > 0 && !reserve.release().unwrap());
        for _ in 0..2 {
            assert!(reserve.restore().unwrap());
            let file = dir.path().join("untxt.db-reserve").metadata().unwrap();
            assert_eq!(file.len(), wanted_bytes(&reserve.disk().unwrap()));
            assert!(file.blocks() * 512 >= file.len(), "{} blocks for {} bytes", file.blocks(), file.len());
            assert_eq!((file.permissions().mode() & 0o777, reserve.missing_bytes().unwrap()), (0o600, 0));
            assert!(reserve.release().unwrap());
            assert_eq!(dir.path().join("untxt.db-reserve").metadata().unwrap().blocks(), 0);
        }
    }
}
