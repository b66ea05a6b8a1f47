//! Compiled engines on disk, so that a start does not compile them again.
//!
//! Machine code is run as it is read, so the directory is ours alone: it is
//! made with mode 0700 and refused when anybody else may write to it. A file is
//! never written over, as it is mapped into memory while it is in use; one that
//! can't be used is taken away first.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use wasmtime::Engine;
use wasmtime::component::Component;

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
                tracing::warn!(dir = %dir.display(), %error, "compiled engines are not kept");
                Self { dir: None }
            }
        }
    }

    /// The component, compiled now or before. Blocks while it compiles.
    pub(crate) fn load(&self, engine: &Engine, wasm: &[u8], digest: &str) -> wasmtime::Result<Component> {
        let Some(dir) = &self.dir else { return Component::new(engine, wasm) };
        let file = dir.join(format!("{digest}-{:016x}.cwasm", compatibility(engine)));
        if let Some(component) = map(engine, &file) {
            return Ok(component);
        }
        let code = engine.precompile_component(wasm)?;
        if let Err(error) = keep(dir, &file, &code) {
            tracing::warn!(file = %file.display(), %error, "the compiled engine is not kept");
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
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let mode = fs::metadata(dir)?.permissions().mode();
    if mode & 0o022 != 0 {
        return Err(io::Error::other(format!("others may write to it (mode {:o})", mode & 0o777)));
    }
    Ok(())
}

#[cfg(not(unix))]
fn prepare(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)
}

fn keep(dir: &Path, file: &Path, code: &[u8]) -> io::Result<()> {
    let mut temporary = tempfile::NamedTempFile::new_in(dir)?;
    temporary.write_all(code)?;
    temporary.as_file().sync_all()?;
    match temporary.persist_noclobber(file) {
        Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => Err(error.error),
        _ => Ok(()),
    }
}

#[expect(unsafe_code, reason = "wasmtime can't check machine code; see SAFETY")]
fn map(engine: &Engine, file: &Path) -> Option<Component> {
    if !file.exists() {
        return None;
    }
    // SAFETY: the file was written by `keep` with code that wasmtime made, into
    // a directory that only we may write to (`prepare`), and files there are
    // never changed, only added and removed. Its name carries the digest of the component
    // and the compatibility hash, so it is code for this wasmtime.
    match unsafe { Component::deserialize_file(engine, file) } {
        Ok(component) => Some(component),
        Err(error) => {
            tracing::warn!(file = %file.display(), %error, "a compiled engine can't be used and is made again");
            if let Err(error) = fs::remove_file(file) {
                tracing::warn!(file = %file.display(), %error, "it can't be removed");
            }
            None
        }
    }
}

#[expect(unsafe_code, reason = "wasmtime can't check machine code; see SAFETY")]
fn deserialize(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: `code` was returned by `precompile_component` of the same engine
    // and has not left this process.
    unsafe { Component::deserialize(engine, code) }
}
