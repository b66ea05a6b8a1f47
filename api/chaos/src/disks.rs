//! A small disk for each process of the service, which can be filled: a file
//! system in memory over its data directory. The campaign mounts them in a
//! mount namespace of its own, so they vanish with its processes, however those
//! end.

use std::convert::Infallible;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::geteuid;

/// Enough for what a process keeps (compiled engines, spooled uploads and the
/// room that it leaves free), and filled within a second.
const DISK_BYTES: &str = "512m";

/// Written at once while a disk is filled.
const CHUNK_BYTES: usize = 1 << 20;

/// Why this process can't give others small disks, if it can't.
pub(super) fn impossible() -> Option<&'static str> {
    if !geteuid().is_root() {
        return Some("only root may mount file systems");
    }
    let tried = Command::new("unshare").args(["--mount", "true"]).stderr(Stdio::null()).status();
    match tried {
        Ok(status) if status.success() => None,
        Ok(_) => Some("this system allows no mount namespaces"),
        Err(_) => Some("`unshare` is not installed (Debian and Ubuntu: util-linux)"),
    }
}

/// Starts this program again, with the same arguments and `more`, in a mount
/// namespace of its own. Returns only when that fails.
pub(super) fn into_own_namespace(more: &str) -> io::Result<Infallible> {
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "--"]).arg(std::env::current_exe()?);
    Err(command.args(std::env::args_os().skip(1)).arg(more).exec())
}

/// Makes `dir` a small disk.
///
/// # Errors
/// What `mount` says.
pub(super) fn mount(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    let size = format!("size={DISK_BYTES},mode=0700");
    let mounted =
        Command::new("mount").args(["-t", "tmpfs", "-o", &size, "untxt-campaign"]).arg(dir).output()?;
    if mounted.status.success() {
        return Ok(());
    }
    Err(io::Error::other(String::from_utf8_lossy(&mounted.stderr).trim().to_owned()))
}

/// Takes all the room there is at `dir`.
///
/// # Errors
/// What the disk says, but that it is full.
pub(super) fn fill(dir: &Path) -> io::Result<()> {
    let mut file = File::create(filler(dir))?;
    let chunk = vec![0; CHUNK_BYTES];
    loop {
        match file.write(&chunk) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::StorageFull => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

/// Gives back what [`fill`] took.
///
/// # Errors
/// What the disk says.
pub(super) fn free(dir: &Path) -> io::Result<()> {
    fs::remove_file(filler(dir))
}

fn filler(dir: &Path) -> PathBuf {
    dir.join("campaign-filler")
}
