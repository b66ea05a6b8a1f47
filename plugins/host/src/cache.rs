//! Compiled engines on disk, so that a start does not compile them again.
//!
//! Machine code is run as it is read, so the directory belongs to this user alone:
//! it is created with mode 0700, and refused if it has another owner or others may
//! write to it; the same holds for each file. A file begins with the digest of its
//! code, and code with another digest is not run. A file is never overwritten; an
//! unusable one is removed first.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

/// Bytes of the digest before the code.
const DIGEST_BYTES: usize = 32;

#[derive(Debug)]
pub(crate) struct Cache {
    dir: Option<PathBuf>,
}

impl Cache {
    /// A cache in `dir`. If the directory can't be used, nothing is cached, which
    /// only costs time.
    pub(crate) fn open(dir: &Path) -> Self {
        match create_private(dir) {
            Ok(()) => Self { dir: Some(dir.to_owned()) },
            Err(error) => {
                tracing::warn!(dir = %dir.display(), %error, "can't cache compiled engines");
                Self { dir: None }
            }
        }
    }

    /// The compiled component, from the cache if it is there. Blocks while it
    /// compiles.
    pub(crate) fn load(&self, engine: &Engine, wasm: &[u8], digest: &str) -> wasmtime::Result<Component> {
        let Some(dir) = &self.dir else { return Component::new(engine, wasm) };
        let file = dir.join(format!("{digest}-{:016x}.cwasm", compatibility(engine)));
        if let Some(component) = load_cached(engine, &file) {
            return Ok(component);
        }
        let code = engine.precompile_component(wasm)?;
        if let Err(error) = store(dir, &file, &code) {
            tracing::warn!(file = %file.display(), %error, "can't cache the compiled engine");
        }
        // Not from the file: code that was just compiled needs no trust in the disk.
        deserialize(engine, &code)
    }
}

/// Changes with wasmtime's version, its settings and the processor's features.
fn compatibility(engine: &Engine) -> u64 {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.finish()
}

#[cfg(unix)]
fn create_private(dir: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    check_owner(&fs::metadata(dir)?)
}

/// Refuses files and directories that others own or may write to.
#[cfg(unix)]
fn check_owner(meta: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let mode = meta.permissions().mode();
    if mode & 0o022 != 0 {
        return Err(io::Error::other(format!("others may write to it (mode {:o})", mode & 0o777)));
    }
    let (owner, we) = (meta.uid(), rustix::process::geteuid().as_raw());
    if owner != we {
        return Err(io::Error::other(format!(
            "it belongs to user {owner}, but this process runs as user {we}"
        )));
    }
    Ok(())
}

#[cfg(not(unix))]
fn check_owner(_meta: &fs::Metadata) -> io::Result<()> {
    Ok(())
}

#[cfg(not(unix))]
fn create_private(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)
}

/// A cache only saves time: the last of a disk is left to what must be written there,
/// such as a database beside it.
fn check_room(code_bytes: u64, free_bytes: u64) -> io::Result<()> {
    match code_bytes > free_bytes / 2 {
        true => Err(io::Error::other(format!(
            "it has {code_bytes} bytes, more than half of the {free_bytes} bytes that are free"
        ))),
        false => Ok(()),
    }
}

fn store(dir: &Path, file: &Path, code: &[u8]) -> io::Result<()> {
    let disk = rustix::fs::statvfs(dir)?;
    check_room(code.len() as u64, disk.f_bavail.saturating_mul(disk.f_frsize))?;
    let mut temporary = tempfile::NamedTempFile::new_in(dir)?;
    temporary.write_all(&Sha256::digest(code))?;
    temporary.write_all(code)?;
    temporary.as_file().sync_all()?;
    match temporary.persist_noclobber(file) {
        Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => Err(error.error),
        _ => Ok(()),
    }
}

/// The cached component, if it is there and can be used.
fn load_cached(engine: &Engine, file: &Path) -> Option<Component> {
    let read = match read(file) {
        Ok(code) => deserialize(engine, &code).map_err(|error| format!("{error:#}")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => Err(error.to_string()),
    };
    match read {
        Ok(component) => Some(component),
        Err(error) => {
            tracing::warn!(file = %file.display(), %error, "recompiling an unusable cached engine");
            if let Err(error) = fs::remove_file(file) {
                tracing::warn!(file = %file.display(), %error, "can't remove the cached file");
            }
            None
        }
    }
}

/// The code in `file`, after its owner and its digest are checked. The file is
/// opened once, so that what is checked is what is read.
fn read(file: &Path) -> io::Result<Vec<u8>> {
    // A link may lead to a file of this user that was not written here.
    if fs::symlink_metadata(file)?.is_symlink() {
        return Err(io::Error::other("it is a symbolic link"));
    }
    let mut opened = fs::File::open(file)?;
    check_owner(&opened.metadata()?)?;
    let mut bytes = Vec::new();
    opened.read_to_end(&mut bytes)?;
    let Some((digest, code)) = bytes.split_first_chunk::<DIGEST_BYTES>() else {
        return Err(io::Error::other("it is truncated"));
    };
    if Sha256::digest(code)[..] != digest[..] {
        return Err(io::Error::other("its code does not match its digest"));
    }
    bytes.drain(..DIGEST_BYTES);
    Ok(bytes)
}

#[expect(unsafe_code, reason = "wasmtime can't check machine code; see SAFETY")]
fn deserialize(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: `code` was returned by `precompile_component` of the same engine,
    // just now or when `store` wrote it with its digest into a file that only we
    // may write to (`check_owner`). That file's name carries the digest of the component
    // and the compatibility hash, so it is code for this wasmtime.
    unsafe { Component::deserialize(engine, code) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cached_leaves_half_of_the_free_room() {
        assert!(check_room(10, 20).is_ok());
        let error = check_room(10, 19).unwrap_err().to_string();
        assert!(error.contains("more than half of the 19 bytes that are free"), "{error}");
    }
}
