//! A small disk of a test's own, which can be filled to its last byte.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::home::Home;

/// A file system in memory over the data directory. It goes with this.
pub(crate) struct SmallDisk {
    dir: PathBuf,
    filler: File,
}

impl SmallDisk {
    /// `None`, and why on standard error, where this process may not mount.
    #[expect(clippy::print_stderr, reason = "it is said why a test did nothing")]
    pub(crate) fn under(home: &Home, bytes: u64) -> Option<Self> {
        let dir = home.path("data");
        fs::create_dir_all(&dir).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={bytes},mode=0700"), "tmpfs"])
            .arg(&dir)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if !mounted.is_ok_and(|status| status.success()) {
            eprintln!("skipped: a full disk takes the right to mount a tmpfs, which this process has not");
            return None;
        }
        let filler = File::options().create(true).append(true).open(dir.join("another-program")).unwrap();
        Some(Self { dir, filler })
    }

    pub(crate) fn free_bytes(&self) -> u64 {
        let stat = rustix::fs::fstatvfs(self.filler.as_fd()).unwrap();
        stat.f_bavail * stat.f_frsize
    }

    /// What another program does that takes all there is.
    pub(crate) fn fill(&mut self) {
        self.fill_but(0);
        assert_eq!(self.free_bytes(), 0);
    }

    /// The same, but for so many bytes.
    pub(crate) fn fill_but(&mut self, bytes: u64) {
        while self.free_bytes() > bytes {
            match self.filler.write_all(&[1; 4_096]) {
                Err(error) if error.kind() == ErrorKind::StorageFull => return,
                written => written.unwrap(),
            }
        }
    }

    /// What that program took is free again.
    pub(crate) fn empty(&mut self) {
        self.filler.set_len(0).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        unmount(&self.dir);
    }
}

fn unmount(dir: &Path) {
    drop(Command::new("umount").arg("-l").arg(dir).status());
}
