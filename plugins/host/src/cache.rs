//! Compiled engines on disk, so that a start does not compile them again.
//!
//! Machine code is run as it is read, so the directory is ours alone: it is
//! made with mode 0700, and refused when it is somebody else's or anybody else
//! may write to it; so is a file in it. Each begins with the digest of its code,
//! and code that does not fit it is not run. A file is never written over; one
//! that can't be used is taken away first.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

/// Of the digest before the code.
const DIGEST_BYTES: usize = 32;

#[derive(Debug)]
pub(crate) struct Cache {
    dir: Option<PathBuf>,
}

impl Cache {
    /// A cache in `dir`; without one if the directory can't be had for
    /// ourselves, which costs time and nothing else.
    pub(crate) fn open(dir: &Path) -> Self {
        match prepare(dir) {
            Ok(()) => Self { dir: Some(dir.to_owned()) },
            Err(error) => {
                tracing::warn!(dir = %dir.display(), %error, "can't cache compiled engines");
                Self { dir: None }
            }
        }
    }

    /// The component, compiled now or before. Blocks while it compiles.
    pub(crate) fn load(&self, engine: &Engine, wasm: &[u8], digest: &str) -> wasmtime::Result<Component> {
        let Some(dir) = &self.dir else { return Component::new(engine, wasm) };
        let file = dir.join(format!("{digest}-{:016x}.cwasm", compatibility(engine)));
        if let Some(component) = kept(engine, &file) {
            return Ok(component);
        }
        let code = engine.precompile_component(wasm)?;
        if let Err(error) = keep(dir, &file, &code) {
            tracing::warn!(file = %file.display(), %error, "can't cache the compiled engine");
        }
        // Not from the file: what we have just made needs no trust in the disk.
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
fn prepare(dir: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    ours(&fs::metadata(dir)?)
}

/// Refuses what others own or may write to.
#[cfg(unix)]
fn ours(meta: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let mode = meta.permissions().mode();
    if mode & 0o022 != 0 {
        return Err(io::Error::other(format!("others may write to it (mode {:o})", mode & 0o777)));
    }
    let (owner, we) = (meta.uid(), rustix::process::geteuid().as_raw());
    if owner != we {
        return Err(io::Error::other(format!("it belongs to user {owner}, and this is user {we}")));
    }
    Ok(())
}

#[cfg(not(unix))]
fn ours(_meta: &fs::Metadata) -> io::Result<()> {
    Ok(())
}

#[cfg(not(unix))]
fn prepare(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)
}

fn keep(dir: &Path, file: &Path, code: &[u8]) -> io::Result<()> {
    let mut temporary = tempfile::NamedTempFile::new_in(dir)?;
    temporary.write_all(&Sha256::digest(code))?;
    temporary.write_all(code)?;
    temporary.as_file().sync_all()?;
    match temporary.persist_noclobber(file) {
        Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => Err(error.error),
        _ => Ok(()),
    }
}

/// What was compiled before, if it is there and can be used.
fn kept(engine: &Engine, file: &Path) -> Option<Component> {
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

/// The code in `file`, which is ours and whole. What is looked at is what is
/// read: the file is opened once.
fn read(file: &Path) -> io::Result<Vec<u8>> {
    // A link may lead to what is ours and was not made here.
    if fs::symlink_metadata(file)?.is_symlink() {
        return Err(io::Error::other("it is a link"));
    }
    let mut opened = fs::File::open(file)?;
    ours(&opened.metadata()?)?;
    let mut bytes = Vec::new();
    opened.read_to_end(&mut bytes)?;
    let Some((digest, code)) = bytes.split_first_chunk::<DIGEST_BYTES>() else {
        return Err(io::Error::other("it is cut"));
    };
    if Sha256::digest(code)[..] != digest[..] {
        return Err(io::Error::other("its code is not the code that was written"));
    }
    bytes.drain(..DIGEST_BYTES);
    Ok(bytes)
}

#[expect(unsafe_code, reason = "wasmtime can't check machine code; see SAFETY")]
fn deserialize(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: `code` was returned by `precompile_component` of the same engine,
    // just now or when `keep` wrote it with its digest into a file that only we
    // may write to (`ours`). That file's name carries the digest of the component
    // and the compatibility hash, so it is code for this wasmtime.
    unsafe { Component::deserialize(engine, code) }
}
