//! Rotates logs, so that they do not fill the disk.

use std::fs;
use std::io;
use std::path::Path;

/// A log larger than this is rotated.
pub const LOG_BYTES_MAX: u64 = 10 << 20;

/// Moves a log larger than `bytes_max` to `….1`, replacing the one before. It is
/// copied and truncated rather than renamed, since its writer keeps it open and
/// appends; what is written between the two is lost.
///
/// # Errors
/// When it can't be copied; it is left as it is then.
pub fn rotate(log: &Path, bytes_max: u64) -> io::Result<()> {
    match fs::metadata(log) {
        Ok(found) if found.len() > bytes_max => {}
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    }
    let mut aside = log.as_os_str().to_owned();
    aside.push(".1");
    fs::copy(log, aside)?;
    fs::OpenOptions::new().write(true).open(log)?.set_len(0)
}

/// The last five lines of a log, for an error message.
#[must_use]
pub fn tail(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(5)..].join(" | ")
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_large_log_is_rotated_and_its_writer_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("worker.log");
        let mut writer = fs::OpenOptions::new().create(true).append(true).open(&log).unwrap();
        writer.write_all(b"first\n").unwrap();
        rotate(&log, 6).unwrap();
        assert_eq!(fs::read(&log).unwrap(), b"first\n", "not larger yet");
        writer.write_all(b"second\n").unwrap();
        rotate(&log, 6).unwrap();
        writer.write_all(b"third\n").unwrap();
        assert_eq!(fs::read(&log).unwrap(), b"third\n");
        assert_eq!(fs::read(dir.path().join("worker.log.1")).unwrap(), b"first\nsecond\n");
        rotate(&dir.path().join("nobody.log"), 6).unwrap();
    }
}
