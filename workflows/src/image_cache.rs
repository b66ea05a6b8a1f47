//! Page images that were made lately, as files: `{dir}/{task}/{page}-{width}-{version}.png`
//! or `.jpg`. Their bytes are bounded; what nobody looked at for the longest time goes
//! first. Processes with one data directory share them.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_NOW, utimensat};
use uuid::Uuid;

/// Of how images are made. Those of another version are not looked at, and go with time.
const VERSION: u32 = 1;

/// How long the sum of all files is believed: other processes write as well.
const SUM_IS_GOOD_FOR: Duration = Duration::from_secs(60);

/// So much is freed beyond what is needed, in parts of the bound, so that not every
/// image looks through all files.
const FREED_PART: u64 = 8;

/// An image as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageImage {
    /// Its format.
    pub format: ImageFormat,
    /// The file.
    pub bytes: Bytes,
}

/// The format of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageFormat {
    /// Text and drawings.
    Png,
    /// Photographs.
    Jpeg,
}

impl ImageFormat {
    const ALL: [Self; 2] = [Self::Png, Self::Jpeg];

    /// Its media type.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
        }
    }

    fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
        }
    }
}

/// Which image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ImageKey {
    pub(crate) task: Uuid,
    /// From 1.
    pub(crate) page: u32,
    /// Pixels, at most.
    pub(crate) width: u32,
}

impl ImageKey {
    /// What tells it from others, and from the one of another way of making it.
    pub(crate) fn tag(self) -> String {
        format!("{}-{}-{}-{VERSION}", self.task.simple(), self.page, self.width)
    }
}

/// The files. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct ImageCache {
    dir: Arc<Path>,
    bytes_max: u64,
    sum: Arc<Mutex<Option<Sum>>>,
}

/// What all files have together.
#[derive(Clone, Copy, Debug)]
struct Sum {
    bytes: u64,
    counted: Instant,
}

/// A file that is there.
struct Entry {
    path: PathBuf,
    bytes: u64,
    used: SystemTime,
}

impl ImageCache {
    /// The cache in `dir`, which is made when there is something to keep.
    pub(crate) fn new(dir: &Path, bytes_max: u64) -> Self {
        Self { dir: dir.into(), bytes_max, sum: Arc::default() }
    }

    /// The image, if it was kept. What can't be read is not there.
    pub(crate) async fn get(&self, key: ImageKey) -> Option<PageImage> {
        let cache = self.clone();
        blocking(move || ImageFormat::ALL.into_iter().find_map(|format| cache.read(key, format))).await?
    }

    /// Keeps the image, unless it alone is larger than all may be. Others go for it.
    ///
    /// # Errors
    /// When it can't be written.
    pub(crate) async fn put(&self, key: ImageKey, image: PageImage) -> io::Result<()> {
        let cache = self.clone();
        blocking(move || cache.write(key, &image)).await.unwrap_or(Ok(()))
    }

    /// Removes the images of a task.
    ///
    /// # Errors
    /// When they can't be removed.
    pub(crate) async fn remove(&self, task: Uuid) -> io::Result<()> {
        let cache = self.clone();
        blocking(move || cache.remove_now(task)).await.unwrap_or(Ok(()))
    }

    /// The tasks of which images are kept.
    ///
    /// # Errors
    /// When the directory can't be read.
    pub(crate) async fn tasks(&self) -> io::Result<Vec<Uuid>> {
        let dir = Arc::clone(&self.dir);
        let list = move || {
            let names = list_of(&dir)?.into_iter().filter_map(|entry| entry.file_name().into_string().ok());
            Ok(names.filter_map(|name| Uuid::parse_str(&name).ok()).collect())
        };
        blocking(list).await.unwrap_or_else(|| Ok(Vec::new()))
    }

    fn path(&self, key: ImageKey, format: ImageFormat) -> PathBuf {
        let name = format!("{}-{}-{VERSION}.{}", key.page, key.width, format.extension());
        self.dir.join(key.task.to_string()).join(name)
    }

    fn read(&self, key: ImageKey, format: ImageFormat) -> Option<PageImage> {
        let path = self.path(key, format);
        let bytes = fs::read(&path).ok()?;
        touch(&path);
        Some(PageImage { format, bytes: bytes.into() })
    }

    fn write(&self, key: ImageKey, image: &PageImage) -> io::Result<()> {
        let bytes = image.bytes.len() as u64;
        if bytes > self.bytes_max {
            return Ok(());
        }
        // One at a time, so that what two write together is within the bound.
        let mut sum = self.sum.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = match sum.filter(|sum| sum.counted.elapsed() < SUM_IS_GOOD_FOR) {
            Some(known) if known.bytes + bytes <= self.bytes_max => known.bytes,
            _ => self.make_room(bytes)?,
        };
        let path = self.path(key, image.format);
        let dir = path.parent().unwrap_or(&self.dir);
        fs::create_dir_all(dir)?;
        // Under its name it is whole.
        let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(dir)?;
        file.write_all(&image.bytes)?;
        file.persist(&path).map_err(|error| error.error)?;
        let counted = sum.map_or_else(Instant::now, |sum| sum.counted);
        *sum = Some(Sum { bytes: kept + bytes, counted });
        Ok(())
    }

    /// Removes what was not used for the longest time until `bytes` more fit, and some
    /// more; what the others have together.
    fn make_room(&self, bytes: u64) -> io::Result<u64> {
        let mut entries = self.entries()?;
        let mut kept: u64 = entries.iter().map(|entry| entry.bytes).sum();
        if kept + bytes <= self.bytes_max {
            return Ok(kept);
        }
        let limit = (self.bytes_max - self.bytes_max / FREED_PART).saturating_sub(bytes);
        entries.sort_by_key(|entry| entry.used);
        for entry in entries {
            if kept <= limit {
                break;
            }
            ignore_missing(fs::remove_file(&entry.path))?;
            kept -= entry.bytes;
            // Fails as long as there are others in it.
            drop(entry.path.parent().map(fs::remove_dir));
        }
        Ok(kept)
    }

    fn entries(&self) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for dir in list_of(&self.dir)? {
            for file in list_of(&dir.path()).unwrap_or_default() {
                // Gone meanwhile, or nothing of ours.
                let Ok(found) = file.metadata() else { continue };
                let used = found.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                entries.push(Entry { path: file.path(), bytes: found.len(), used });
            }
        }
        Ok(entries)
    }

    fn remove_now(&self, task: Uuid) -> io::Result<()> {
        let mut sum = self.sum.lock().unwrap_or_else(PoisonError::into_inner);
        // Counted anew when the next one is kept.
        *sum = None;
        ignore_missing(fs::remove_dir_all(self.dir.join(task.to_string())))
    }
}

/// Says that the file was used now, by the clock of its file system, as its writing did.
/// Should this fail, it goes earlier than it should.
fn touch(path: &Path) {
    let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
    let times = Timestamps { last_access: now, last_modification: now };
    let _ = utimensat(CWD, path, &times, AtFlags::empty());
}

fn list_of(dir: &Path) -> io::Result<Vec<fs::DirEntry>> {
    match fs::read_dir(dir) {
        Ok(entries) => entries.collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn ignore_missing(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

/// On a thread that may wait; `None` when the process ends.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(page: u32) -> ImageKey {
        ImageKey { task: Uuid::from_u128(7), page, width: 400 }
    }

    fn image(bytes: usize) -> PageImage {
        PageImage { format: ImageFormat::Png, bytes: vec![1; bytes].into() }
    }

    fn bytes_in(cache: &ImageCache) -> u64 {
        cache.entries().unwrap().iter().map(|entry| entry.bytes).sum()
    }

    #[tokio::test]
    async fn what_nobody_looked_at_for_longest_goes_first_and_the_bound_holds() {
        let dir = tempfile::tempdir().unwrap();
        let cache = ImageCache::new(&dir.path().join("images"), 1_000);
        for page in 1..=4 {
            cache.put(key(page), image(240)).await.unwrap();
            // As if it had been made a while ago.
            let path = cache.path(key(page), ImageFormat::Png);
            let made = SystemTime::UNIX_EPOCH + Duration::from_secs(page.into());
            fs::File::open(path).unwrap().set_modified(made).unwrap();
        }
        assert_eq!(cache.get(key(1)).await, Some(image(240)), "it was looked at now");
        cache.put(key(5), image(240)).await.unwrap();
        assert!(bytes_in(&cache) <= 1_000, "{}", bytes_in(&cache));
        let mut kept = Vec::new();
        for page in 1..=5 {
            kept.extend(cache.get(key(page)).await.map(|_| page));
        }
        assert_eq!(kept, [1, 4, 5]);
        cache.put(key(6), image(1_001)).await.unwrap();
        assert_eq!((cache.get(key(6)).await, bytes_in(&cache)), (None, 720), "larger than all may be");
    }

    #[tokio::test]
    async fn a_task_goes_with_all_its_images_and_others_stay() {
        let dir = tempfile::tempdir().unwrap();
        let cache = ImageCache::new(dir.path(), 1_000);
        assert!(cache.tasks().await.unwrap().is_empty());
        let other = ImageKey { task: Uuid::from_u128(8), ..key(1) };
        cache.put(key(1), image(10)).await.unwrap();
        cache.put(other, PageImage { format: ImageFormat::Jpeg, ..image(10) }).await.unwrap();
        cache.remove(key(1).task).await.unwrap();
        cache.remove(key(1).task).await.unwrap();
        assert_eq!(cache.tasks().await.unwrap(), [other.task]);
        assert_eq!(cache.get(key(1)).await, None);
        assert_eq!(cache.get(other).await.unwrap().format, ImageFormat::Jpeg);
    }

    #[tokio::test]
    async fn what_another_process_keeps_counts_too() {
        let dir = tempfile::tempdir().unwrap();
        let (one, other) = (ImageCache::new(dir.path(), 1_000), ImageCache::new(dir.path(), 1_000));
        one.put(key(1), image(600)).await.unwrap();
        other.put(key(2), image(600)).await.unwrap();
        assert!(bytes_in(&one) <= 1_000);
        let none = ImageCache::new(&dir.path().join("none"), 0);
        none.put(key(1), image(1)).await.unwrap();
        assert_eq!(none.get(key(1)).await, None, "a bound of 0 keeps nothing");
    }
}
