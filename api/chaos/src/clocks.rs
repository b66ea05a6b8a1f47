//! The clocks of the service's processes, which can be set wrong one by one:
//! libfaketime stands between a process and the wall clock, and reads from a
//! file by how much it is off. Timers go by another clock and stay right.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Where distributions put the library: right below one of these, or below a folder
/// in it that is named after the processor.
const FOLDERS: [&str; 2] = ["/usr/lib", "/usr/lib64"];
const LIBRARY: &str = "faketime/libfaketimeMT.so.1";

/// Clocks of processes that are started with their [`Clocks::environment`].
pub(crate) struct Clocks {
    library: PathBuf,
    dir: PathBuf,
}

impl Clocks {
    /// Clocks whose errors are told in `dir`; `None` without libfaketime.
    ///
    /// # Errors
    /// When `dir` can't be made.
    pub(super) fn open(dir: PathBuf) -> io::Result<Option<Self>> {
        let Some(library) = library() else { return Ok(None) };
        fs::create_dir_all(&dir)?;
        Ok(Some(Self { library, dir }))
    }

    /// What a process is to be started with so that its clock is the one of this
    /// name, which is right until it is set.
    ///
    /// # Errors
    /// When the file can't be written.
    pub(super) fn environment(&self, name: &str) -> io::Result<Vec<(&'static str, String)>> {
        if !self.file(name).exists() {
            self.set(name, 0)?;
        }
        Ok(vec![
            ("LD_PRELOAD", self.library.display().to_string()),
            ("FAKETIME_TIMESTAMP_FILE", self.file(name).display().to_string()),
            // Seconds until a change is noticed.
            ("FAKETIME_CACHE_DURATION", "1".to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ])
    }

    /// Sets the clock of that name `seconds` ahead, or behind when negative.
    ///
    /// # Errors
    /// When the file can't be written.
    pub(super) fn set(&self, name: &str, seconds: i32) -> io::Result<()> {
        let (file, new) = (self.file(name), self.dir.join(format!("{name}.new")));
        fs::write(&new, format!("{seconds:+}\n"))?;
        fs::rename(new, file)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

/// Why clocks can't be set wrong here, if they can't.
pub(super) fn impossible() -> Option<&'static str> {
    library().is_none().then_some("libfaketime is not installed (Debian and Ubuntu: faketime)")
}

fn library() -> Option<PathBuf> {
    let below = |folder: &&str| {
        let inner = fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path().join(LIBRARY)));
        [Path::new(folder).join(LIBRARY)].into_iter().chain(inner).find(|path| path.exists())
    };
    FOLDERS.iter().find_map(below)
}
