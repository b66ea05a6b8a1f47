//! Space on this machine's disks: what is spooled is bounded, and some of each disk
//! stays free for the database, the store and the work that is under way.

use std::fmt;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::fs::statvfs;
use untxt_engine::journal::database::Reserve;

/// How much may be written before the disk is asked again, and how much a writer
/// is granted ahead of writing it.
const GRANT_BYTES: u64 = 1 << 20;

/// The part of a file system that is kept free unless it is said how much.
const RESERVE_PART: u64 = 20;

/// More than this is not kept free, however large the file system.
const RESERVE_BYTES_MAX: u64 = 256 << 20;

/// How much of the disk may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskLimits {
    /// Bytes of all uploads that are spooled at once.
    pub spool_bytes_max: u64,
    /// Bytes of the file system that stay free; a twentieth of it, 256 MiB at
    /// most, when absent.
    pub reserve_bytes: Option<u64>,
}

impl DiskLimits {
    /// Eighty uploads of the size that is allowed by default.
    pub const SPOOL_BYTES_MAX: u64 = 8 << 30;
}

impl Default for DiskLimits {
    fn default() -> Self {
        Self { spool_bytes_max: Self::SPOOL_BYTES_MAX, reserve_bytes: None }
    }
}

/// What this machine keeps on a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskUse {
    /// Uploads on their way in, and files that are worked on.
    Spool,
    /// The database that is a file.
    Database,
    /// The objects of the embedded store.
    Objects,
}

impl DiskUse {
    /// Its stable name.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Spool => "spool",
            Self::Database => "database",
            Self::Objects => "objects",
        }
    }
}

impl fmt::Display for DiskUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Why something can't be written down now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DiskFull {
    /// A file system is nearly full.
    #[error(
        "the disk of the {disk_use}, {path}, has {free_bytes} bytes free, of which {reserve_bytes} stay so, and \
         {wanted_bytes} more are wanted; free some, or set UNTXT_DISK_RESERVE_BYTES",
        path = .path.display()
    )]
    Disk {
        /// What is kept there.
        disk_use: DiskUse,
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

/// The disks that taking work needs.
#[derive(Debug)]
pub struct DiskSpace {
    spool: PathBuf,
    objects: Option<PathBuf>,
    database: Option<Reserve>,
    limits: DiskLimits,
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
pub struct SpoolGrant {
    space: Arc<DiskSpace>,
    granted_bytes: u64,
    written_bytes: u64,
}

/// What is known of one disk.
#[derive(Clone, Debug)]
struct Disk {
    disk_use: DiskUse,
    dir: PathBuf,
    /// Whether what is spooled takes room there.
    is_spool: bool,
    free_bytes: u64,
    reserve_bytes: u64,
}

impl DiskSpace {
    /// The disk under `spool`, where uploads are spooled, and those of a database
    /// and of objects that lie on this machine. The directories have to be there
    /// when something is asked.
    #[must_use]
    pub fn new(spool: &Path, database: Option<&Reserve>, objects: Option<&Path>, limits: DiskLimits) -> Self {
        Self {
            spool: spool.to_owned(),
            objects: objects.map(Path::to_owned),
            database: database.cloned(),
            limits,
            granted: Mutex::default(),
        }
    }

    /// Whether a file of so many bytes, which is no upload, may be written now.
    ///
    /// # Errors
    /// [`DiskFull::Disk`]; a file system that can't be asked.
    pub async fn check(&self, bytes: u64) -> io::Result<Result<(), DiskFull>> {
        let disks = self.disks().await?;
        let ahead_bytes = self.granted().ahead_bytes;
        Ok(disks.iter().try_for_each(|disk| disk.takes(ahead_bytes, bytes)))
    }

    /// What has no more room on its disk than stays free there.
    ///
    /// # Errors
    /// A file system that can't be asked.
    pub async fn full(&self) -> io::Result<Vec<DiskUse>> {
        let disks = self.disks().await?;
        let ahead_bytes = self.granted().ahead_bytes;
        let full = disks.iter().filter(|disk| disk.takes(ahead_bytes, 0).is_err());
        Ok(full.map(|disk| disk.disk_use).collect())
    }

    /// Begins a file in the spool.
    #[must_use]
    pub fn begin_file(self: &Arc<Self>) -> SpoolGrant {
        SpoolGrant { space: Arc::clone(self), granted_bytes: 0, written_bytes: 0 }
    }

    async fn grant(&self, bytes: u64) -> io::Result<Result<(), DiskFull>> {
        let disks = self.disks().await?;
        let mut granted = self.granted();
        let (spooled_bytes, spool_bytes_max) = (granted.spooled_bytes, self.limits.spool_bytes_max);
        if spooled_bytes.saturating_add(bytes) > spool_bytes_max {
            return Ok(Err(DiskFull::Spool { spooled_bytes, spool_bytes_max }));
        }
        if let Err(full) = disks.iter().try_for_each(|disk| disk.takes(granted.ahead_bytes, bytes)) {
            return Ok(Err(full));
        }
        granted.spooled_bytes += bytes;
        granted.ahead_bytes += bytes;
        Ok(Ok(()))
    }

    /// On a thread that may wait: a file system may be a server's.
    async fn disks(&self) -> io::Result<Vec<Disk>> {
        let (spool, objects, database) = (self.spool.clone(), self.objects.clone(), self.database.clone());
        let limits = self.limits;
        let asked = tokio::task::spawn_blocking(move || {
            let device = spool.metadata()?.dev();
            let mut disks = vec![Disk::ask(DiskUse::Spool, &spool, device, limits)?];
            if let Some(dir) = &objects {
                disks.push(Disk::ask(DiskUse::Objects, dir, device, limits)?);
            }
            if let Some(reserve) = &database {
                // Before anything is taken, what was given up is kept again; and as
                // long as it can't be, as much stays free.
                if let Err(error) = reserve.restore() {
                    tracing::debug!(%error, "no room can be kept beside the database");
                }
                let mut disk = Disk::ask(DiskUse::Database, reserve.dir(), device, limits)?;
                disk.reserve_bytes = disk.reserve_bytes.saturating_add(reserve.missing_bytes()?);
                disks.push(disk);
            }
            Ok(disks)
        });
        asked.await.map_err(io::Error::other)?
    }

    fn granted(&self) -> MutexGuard<'_, Granted> {
        // No panic leaves it half written.
        self.granted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Disk {
    /// Asks the file system under `dir`; that of the spool is `spool_device`.
    fn ask(disk_use: DiskUse, dir: &Path, spool_device: u64, limits: DiskLimits) -> io::Result<Self> {
        let is_spool = dir.metadata()?.dev() == spool_device;
        let stat = statvfs(dir)?;
        let whole = stat.f_blocks.saturating_mul(stat.f_frsize);
        let free_bytes = stat.f_bavail.saturating_mul(stat.f_frsize);
        let reserve_bytes =
            limits.reserve_bytes.unwrap_or_else(|| (whole / RESERVE_PART).min(RESERVE_BYTES_MAX));
        Ok(Self { disk_use, dir: dir.to_owned(), is_spool, free_bytes, reserve_bytes })
    }

    /// Whether so much more may be written, when as much as `ahead_bytes` is
    /// promised to the spool.
    fn takes(&self, ahead_bytes: u64, wanted_bytes: u64) -> Result<(), DiskFull> {
        let ahead_bytes = if self.is_spool { ahead_bytes } else { 0 };
        // A file goes from the spool to the objects; the database holds none.
        let holds = self.is_spool || self.disk_use != DiskUse::Database;
        let wanted_bytes = if holds { wanted_bytes } else { 0 };
        let (free_bytes, reserve_bytes) = (self.free_bytes.saturating_sub(ahead_bytes), self.reserve_bytes);
        if free_bytes >= reserve_bytes.saturating_add(wanted_bytes) {
            return Ok(());
        }
        Err(DiskFull::Disk {
            disk_use: self.disk_use,
            path: self.dir.clone(),
            free_bytes,
            reserve_bytes,
            wanted_bytes,
        })
    }
}

impl SpoolGrant {
    /// Space for the next `bytes`, which are about to be written.
    ///
    /// # Errors
    /// [`DiskFull`]; a file system that can't be asked.
    pub async fn grow(&mut self, bytes: u64) -> io::Result<Result<(), DiskFull>> {
        let wanted = self.written_bytes + bytes;
        // Also before the first byte: who begins when there is no room is told at once.
        if wanted > self.granted_bytes || self.granted_bytes == 0 {
            let more = (wanted - self.granted_bytes).max(GRANT_BYTES);
            if let Err(full) = self.space.grant(more).await? {
                return Ok(Err(full));
            }
            self.granted_bytes += more;
        }
        self.written_bytes = wanted;
        self.space.granted().ahead_bytes -= bytes;
        Ok(Ok(()))
    }

    /// No more is written: what was granted beyond is given back.
    pub fn close(&mut self) {
        let spare = self.granted_bytes - self.written_bytes;
        self.granted_bytes = self.written_bytes;
        let mut granted = self.space.granted();
        granted.spooled_bytes -= spare;
        granted.ahead_bytes -= spare;
    }
}

impl Drop for SpoolGrant {
    fn drop(&mut self) {
        self.close();
        self.space.granted().spooled_bytes -= self.granted_bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk_space(limits: DiskLimits) -> (tempfile::TempDir, Arc<DiskSpace>) {
        let dir = tempfile::tempdir().unwrap();
        let space = Arc::new(DiskSpace::new(dir.path(), None, None, limits));
        (dir, space)
    }

    #[tokio::test]
    async fn uploads_share_the_spool_and_give_back_what_they_held() {
        let limits = DiskLimits { spool_bytes_max: 5 << 20, reserve_bytes: Some(0) };
        let (_dir, space) = disk_space(limits);
        let (mut one, mut other) = (space.begin_file(), space.begin_file());
        one.grow(3 << 20).await.unwrap().unwrap();
        other.grow(1).await.unwrap().unwrap();
        let full = one.grow(2 << 20).await.unwrap().unwrap_err();
        assert_eq!(full, DiskFull::Spool { spooled_bytes: 4 << 20, spool_bytes_max: 5 << 20 });
        // What is granted ahead goes back when the file is complete.
        other.close();
        one.grow((2 << 20) - 1).await.unwrap().unwrap();
        drop(one);
        other.grow(4 << 20).await.unwrap().unwrap();
        drop(other);
        let granted = space.granted();
        assert_eq!((granted.spooled_bytes, granted.ahead_bytes), (0, 0));
    }

    #[tokio::test]
    async fn some_of_the_disk_stays_free() {
        let limits = DiskLimits { reserve_bytes: Some(u64::MAX / 2), ..DiskLimits::default() };
        let (_dir, space) = disk_space(limits);
        let full = space.begin_file().grow(1).await.unwrap().unwrap_err();
        assert!(matches!(full, DiskFull::Disk { .. }), "{full}");
        assert!(full.to_string().contains("UNTXT_DISK_RESERVE_BYTES"), "{full}");
        assert!(space.check(1).await.unwrap().is_err());
        let (_dir, space) = self::disk_space(DiskLimits { reserve_bytes: Some(0), ..limits });
        assert!(space.check(1).await.unwrap().is_ok());
    }

    #[tokio::test]
    async fn what_is_granted_but_not_written_is_not_granted_twice() {
        let (_dir, space) = disk_space(DiskLimits { reserve_bytes: Some(0), spool_bytes_max: u64::MAX });
        let disk = space.disks().await.unwrap().remove(0);
        let free = disk.free_bytes;
        assert!(disk.takes(0, free / 2).is_ok());
        assert!(disk.takes(free / 2 + 1, free / 2).is_err());
    }

    #[test]
    fn only_what_goes_to_a_disk_has_to_find_room_on_it() {
        let disk = |disk_use, is_spool| Disk {
            disk_use,
            dir: PathBuf::from("/"),
            is_spool,
            free_bytes: 100,
            reserve_bytes: 50,
        };
        let elsewhere = disk(DiskUse::Database, false);
        assert!(elsewhere.takes(1_000, 1_000).is_ok(), "files don't go there");
        assert!(Disk { free_bytes: 49, ..elsewhere }.takes(0, 0).is_err(), "rows do");
        let objects = disk(DiskUse::Objects, false);
        assert!(objects.takes(1_000, 50).is_ok() && objects.takes(0, 51).is_err());
        let same = disk(DiskUse::Database, true);
        assert!(same.takes(20, 30).is_ok() && same.takes(20, 31).is_err());
    }
}
