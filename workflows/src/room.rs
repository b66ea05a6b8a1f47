//! Room on this machine's disk: what is spooled is bounded, and some of the disk
//! stays free for the database, the store and the work that is under way.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::fs::{StatVfs, statvfs};

/// How much may be written before the disk is asked again, and how much a writer
/// is granted ahead of writing it.
const GRANT_BYTES: u64 = 1 << 20;

/// The part of a file system that is kept free unless it is said how much.
const RESERVE_PART: u64 = 20;

/// More than this is not kept free, however large the file system.
const RESERVE_BYTES_MAX: u64 = 256 << 20;

/// How much of the disk may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoomLimits {
    /// Bytes of all uploads that are spooled at once.
    pub spool_bytes_max: u64,
    /// Bytes of the file system that stay free; a twentieth of it, 256 MiB at
    /// most, when absent.
    pub reserve_bytes: Option<u64>,
}

impl RoomLimits {
    /// Eighty uploads of the size that is allowed by default.
    pub const SPOOL_BYTES_MAX: u64 = 8 << 30;
}

impl Default for RoomLimits {
    fn default() -> Self {
        Self { spool_bytes_max: Self::SPOOL_BYTES_MAX, reserve_bytes: None }
    }
}

/// Why something can't be written down now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRoom {
    /// The file system is nearly full.
    #[error(
        "{path} has {free_bytes} bytes free, of which {reserve_bytes} stay so, and {wanted_bytes} more are \
         wanted; free some, or set UNTXT_DISK_RESERVE_BYTES",
        path = .path.display()
    )]
    Disk {
        /// Where.
        path: PathBuf,
        /// What is free and promised to nobody.
        free_bytes: u64,
        /// What stays free.
        reserve_bytes: u64,
        /// What was to be written.
        wanted_bytes: u64,
    },
    /// Too much is spooled.
    #[error("{spooled_bytes} bytes of uploads are spooled; UNTXT_SPOOL_BYTES_MAX allows {spool_bytes_max}")]
    Spool {
        /// What there is.
        spooled_bytes: u64,
        /// What there may be.
        spool_bytes_max: u64,
    },
}

/// The disk under one directory.
#[derive(Debug)]
pub struct Room {
    dir: PathBuf,
    limits: RoomLimits,
    granted: Mutex<Granted>,
}

#[derive(Debug, Default)]
struct Granted {
    /// To files that are there.
    spooled_bytes: u64,
    /// The part of it that is not written yet: the disk does not know of it.
    ahead_bytes: u64,
}

/// What one file in the spool was granted. Dropped, it is given back.
#[derive(Debug)]
pub struct Share {
    room: Arc<Room>,
    granted_bytes: u64,
    written_bytes: u64,
}

impl Room {
    /// The disk under `dir`, which has to be there.
    #[must_use]
    pub fn new(dir: &Path, limits: RoomLimits) -> Self {
        Self { dir: dir.to_owned(), limits, granted: Mutex::default() }
    }

    /// Whether a file of so many bytes, which is no upload, may be written now.
    ///
    /// # Errors
    /// [`NoRoom::Disk`]; a file system that can't be asked.
    pub async fn check(&self, bytes: u64) -> io::Result<Result<(), NoRoom>> {
        let disk = self.disk().await?;
        let granted = self.granted();
        Ok(self.on_disk(&disk, granted.ahead_bytes, bytes))
    }

    /// Begins a file in the spool.
    #[must_use]
    pub fn share(self: &Arc<Self>) -> Share {
        Share { room: Arc::clone(self), granted_bytes: 0, written_bytes: 0 }
    }

    async fn grant(&self, bytes: u64) -> io::Result<Result<(), NoRoom>> {
        let disk = self.disk().await?;
        let mut granted = self.granted();
        let (spooled_bytes, spool_bytes_max) = (granted.spooled_bytes, self.limits.spool_bytes_max);
        if spooled_bytes.saturating_add(bytes) > spool_bytes_max {
            return Ok(Err(NoRoom::Spool { spooled_bytes, spool_bytes_max }));
        }
        if let Err(full) = self.on_disk(&disk, granted.ahead_bytes, bytes) {
            return Ok(Err(full));
        }
        granted.spooled_bytes += bytes;
        granted.ahead_bytes += bytes;
        Ok(Ok(()))
    }

    fn on_disk(&self, disk: &StatVfs, ahead_bytes: u64, wanted_bytes: u64) -> Result<(), NoRoom> {
        let whole = disk.f_blocks.saturating_mul(disk.f_frsize);
        let free_bytes = disk.f_bavail.saturating_mul(disk.f_frsize).saturating_sub(ahead_bytes);
        let reserve_bytes =
            self.limits.reserve_bytes.unwrap_or_else(|| (whole / RESERVE_PART).min(RESERVE_BYTES_MAX));
        if free_bytes >= reserve_bytes.saturating_add(wanted_bytes) {
            return Ok(());
        }
        Err(NoRoom::Disk { path: self.dir.clone(), free_bytes, reserve_bytes, wanted_bytes })
    }

    /// On a thread that may wait: the file system may be a server's.
    async fn disk(&self) -> io::Result<StatVfs> {
        let dir = self.dir.clone();
        let asked = tokio::task::spawn_blocking(move || statvfs(&dir)).await;
        Ok(asked.map_err(io::Error::other)??)
    }

    fn granted(&self) -> MutexGuard<'_, Granted> {
        // No panic leaves it half written.
        self.granted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Share {
    /// Room for the next `bytes`, which are about to be written.
    ///
    /// # Errors
    /// [`NoRoom`]; a file system that can't be asked.
    pub async fn grow(&mut self, bytes: u64) -> io::Result<Result<(), NoRoom>> {
        let wanted = self.written_bytes + bytes;
        // Also before the first byte: who begins when there is no room is told at once.
        if wanted > self.granted_bytes || self.granted_bytes == 0 {
            let more = (wanted - self.granted_bytes).max(GRANT_BYTES);
            if let Err(full) = self.room.grant(more).await? {
                return Ok(Err(full));
            }
            self.granted_bytes += more;
        }
        self.written_bytes = wanted;
        self.room.granted().ahead_bytes -= bytes;
        Ok(Ok(()))
    }

    /// No more is written: what was granted beyond is given back.
    pub fn close(&mut self) {
        let spare = self.granted_bytes - self.written_bytes;
        self.granted_bytes = self.written_bytes;
        let mut granted = self.room.granted();
        granted.spooled_bytes -= spare;
        granted.ahead_bytes -= spare;
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.close();
        self.room.granted().spooled_bytes -= self.granted_bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(limits: RoomLimits) -> (tempfile::TempDir, Arc<Room>) {
        let dir = tempfile::tempdir().unwrap();
        let room = Arc::new(Room::new(dir.path(), limits));
        (dir, room)
    }

    #[tokio::test]
    async fn uploads_share_the_spool_and_give_back_what_they_held() {
        let limits = RoomLimits { spool_bytes_max: 5 << 20, reserve_bytes: Some(0) };
        let (_dir, room) = room(limits);
        let (mut one, mut other) = (room.share(), room.share());
        one.grow(3 << 20).await.unwrap().unwrap();
        other.grow(1).await.unwrap().unwrap();
        let full = one.grow(2 << 20).await.unwrap().unwrap_err();
        assert_eq!(full, NoRoom::Spool { spooled_bytes: 4 << 20, spool_bytes_max: 5 << 20 });
        // What is granted ahead goes back when the file is complete.
        other.close();
        one.grow((2 << 20) - 1).await.unwrap().unwrap();
        drop(one);
        other.grow(4 << 20).await.unwrap().unwrap();
        drop(other);
        let granted = room.granted();
        assert_eq!((granted.spooled_bytes, granted.ahead_bytes), (0, 0));
    }

    #[tokio::test]
    async fn some_of_the_disk_stays_free() {
        let limits = RoomLimits { reserve_bytes: Some(u64::MAX / 2), ..RoomLimits::default() };
        let (_dir, room) = room(limits);
        let full = room.share().grow(1).await.unwrap().unwrap_err();
        assert!(matches!(full, NoRoom::Disk { .. }), "{full}");
        assert!(full.to_string().contains("UNTXT_DISK_RESERVE_BYTES"), "{full}");
        assert!(room.check(1).await.unwrap().is_err());
        let (_dir, room) = self::room(RoomLimits { reserve_bytes: Some(0), ..limits });
        assert!(room.check(1).await.unwrap().is_ok());
    }

    #[tokio::test]
    async fn what_is_granted_but_not_written_is_not_granted_twice() {
        let (_dir, room) = room(RoomLimits { reserve_bytes: Some(0), spool_bytes_max: u64::MAX });
        let disk = room.disk().await.unwrap();
        let free = disk.f_bavail * disk.f_frsize;
        assert!(room.on_disk(&disk, 0, free / 2).is_ok());
        assert!(room.on_disk(&disk, free / 2 + 1, free / 2).is_err());
    }
}
