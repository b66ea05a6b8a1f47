//! Where engines lie. `<dir>/<name>.wasm` is what a name means now, however it
//! came there. Every version that ever served or was installed is kept in
//! `<dir>/.versions/<name>`, so that a run finishes on the one it began with and
//! an operator can go back. Files are written whole under another name first.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::reference::{is_digest, is_name};
use crate::error::PluginError;
use crate::package::Package;
use crate::signature::SIGNATURE_SUFFIX;

/// Versions a name may go back over; older ones can still be activated.
const EARLIER_MAX: usize = 32;

/// What is written down about a name. A stored format that only grows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Record {
    /// Version that serves.
    pub(super) active: Option<String>,
    /// Those that served before it, the last at the end.
    pub(super) earlier: Vec<String>,
    /// Versions that serve nobody, and why.
    pub(super) quarantined: BTreeMap<String, String>,
}

impl Record {
    pub(super) fn activated(&mut self, digest: &str) {
        self.quarantined.remove(digest);
        if self.active.as_deref() == Some(digest) {
            return;
        }
        self.earlier.extend(self.active.replace(digest.to_owned()));
        let spare = self.earlier.len().saturating_sub(EARLIER_MAX);
        self.earlier.drain(..spare);
    }

    /// The version before the one that serves, which serves from now on.
    pub(super) fn back(&mut self) -> Option<String> {
        let sound = |digest: &String| !self.quarantined.contains_key(digest);
        let at = self.earlier.iter().rposition(sound)?;
        let digest = self.earlier.remove(at);
        self.earlier.truncate(at);
        self.active = Some(digest.clone());
        Some(digest)
    }
}

#[derive(Clone, Debug)]
pub(super) struct Shelf {
    pub(super) dir: PathBuf,
}

impl Shelf {
    /// What `name` means now, if it is there.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.wasm"))
    }

    /// What the operator wrote about `name`, if anything.
    pub(super) fn grants(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.toml"))
    }

    fn versions_dir(&self, name: &str) -> PathBuf {
        self.dir.join(".versions").join(name)
    }

    pub(super) fn version(&self, name: &str, digest: &str) -> PathBuf {
        self.versions_dir(name).join(format!("{digest}.wasm"))
    }

    fn manifest_file(&self, name: &str, digest: &str) -> PathBuf {
        self.versions_dir(name).join(format!("{digest}.toml"))
    }

    fn signature_file(&self, name: &str, digest: &str) -> PathBuf {
        self.versions_dir(name).join(format!("{digest}{SIGNATURE_SUFFIX}"))
    }

    fn record_file(&self, name: &str) -> PathBuf {
        self.versions_dir(name).join("record.json")
    }

    /// A file that came with an engine; engines may share one.
    pub(super) fn asset(&self, digest: &str) -> PathBuf {
        self.dir.join(".assets").join(digest)
    }

    /// The manifest a version was installed with.
    pub(super) fn manifest(&self, name: &str, digest: &str) -> Option<String> {
        fs::read_to_string(self.manifest_file(name, digest)).ok()
    }

    /// The signature a version was installed with.
    pub(super) fn signature(&self, name: &str, digest: &str) -> Option<String> {
        fs::read_to_string(self.signature_file(name, digest)).ok()
    }

    /// Names that something is known of.
    pub(super) fn names(&self) -> BTreeSet<String> {
        let stems = entries(&self.dir).filter_map(|file| Some(file.strip_suffix(".wasm")?.to_owned()));
        let kept = entries(&self.dir.join(".versions"));
        stems.chain(kept).filter(|name| is_name(name)).collect()
    }

    /// Digests of the versions of `name` that are kept.
    pub(super) fn versions(&self, name: &str) -> BTreeSet<String> {
        let stems =
            entries(&self.versions_dir(name)).filter_map(|file| Some(file.strip_suffix(".wasm")?.to_owned()));
        stems.filter(|digest| is_digest(digest)).collect()
    }

    /// What is written down about `name`; nothing where nothing can be read.
    pub(super) fn record(&self, name: &str) -> Record {
        let text = fs::read(self.record_file(name)).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// Keeps a version with the manifest, the files and the signature it came
    /// with, and with no others.
    pub(super) fn keep(&self, name: &str, digest: &str, package: &Package) -> Result<(), PluginError> {
        let path = self.version(name, digest);
        let wrong = |error| self.failed(&path, &error);
        fs::create_dir_all(self.versions_dir(name)).map_err(wrong)?;
        if let Some(manifest) = &package.manifest {
            fs::create_dir_all(self.dir.join(".assets")).map_err(wrong)?;
            for asset in &manifest.assets {
                let bytes = package.assets.get(&asset.name).map_or(&[][..], |bytes| bytes);
                write(&self.asset(&asset.sha256), bytes).map_err(wrong)?;
            }
        }
        let manifest = package.manifest.is_some().then_some(package.manifest_text.as_str());
        let signature = package.signature.as_deref();
        write_or_remove(&self.manifest_file(name, digest), manifest).map_err(wrong)?;
        write_or_remove(&self.signature_file(name, digest), signature).map_err(wrong)?;
        // A file that is there may have been damaged; its name is no proof.
        if fs::read(&path).is_ok_and(|kept| hex::encode(Sha256::digest(kept)) == digest) {
            return Ok(());
        }
        write(&path, &package.wasm).map_err(wrong)
    }

    /// Has `name` mean `wasm`, or nothing of its own with `None`. A signature
    /// that was dropped in is that of what was there before.
    pub(super) fn place(&self, name: &str, wasm: Option<&[u8]>) -> Result<(), PluginError> {
        let path = self.file(name);
        let placed = match wasm {
            Some(wasm) => fs::create_dir_all(&self.dir).and_then(|()| write(&path, wasm)),
            None => gone(fs::remove_file(&path)),
        };
        let signature = self.dir.join(format!("{name}.wasm{SIGNATURE_SUFFIX}"));
        placed.and_then(|()| gone(fs::remove_file(signature))).map_err(|error| self.failed(&path, &error))
    }

    /// Takes a version away.
    pub(super) fn forget(&self, name: &str, digest: &str) -> Result<(), PluginError> {
        let path = self.version(name, digest);
        gone(fs::remove_file(self.manifest_file(name, digest)))
            .and_then(|()| gone(fs::remove_file(self.signature_file(name, digest))))
            .and_then(|()| gone(fs::remove_file(&path)))
            .map_err(|error| self.failed(&path, &error))
    }

    /// Takes everything away that is kept of `name`.
    pub(super) fn forget_all(&self, name: &str) -> Result<(), PluginError> {
        self.place(name, None)?;
        let dir = self.versions_dir(name);
        gone(fs::remove_dir_all(&dir)).map_err(|error| self.failed(&dir, &error))
    }

    /// Does `work` on the record of `name` and writes it down, while nobody else
    /// does, in any process.
    pub(super) fn change<T>(
        &self,
        name: &str,
        work: impl FnOnce(&mut Record) -> Result<T, PluginError>,
    ) -> Result<T, PluginError> {
        let path = self.record_file(name);
        let wrong = |error: io::Error| self.failed(&path, &error);
        fs::create_dir_all(self.versions_dir(name)).map_err(wrong)?;
        // Beside the names' folders, as one of those may be taken away.
        let lock = File::create(self.dir.join(".versions/.lock")).map_err(wrong)?;
        lock.lock().map_err(wrong)?;
        let before = self.record(name);
        let mut record = before.clone();
        let done = work(&mut record)?;
        if record != before {
            let text = serde_json::to_vec(&record).map_err(io::Error::other).map_err(wrong)?;
            write(&path, &text).map_err(wrong)?;
        }
        Ok(done)
    }

    fn failed(&self, path: &Path, error: &io::Error) -> PluginError {
        PluginError::Shelf { path: path.to_owned(), reason: error.to_string() }
    }
}

fn entries(dir: &Path) -> impl Iterator<Item = String> + use<> {
    let found = fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok);
    found.filter_map(|entry| entry.file_name().into_string().ok())
}

/// Whole or not at all, whoever looks and whenever the power fails.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let dir = path.parent().unwrap_or_else(|| Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".part-").tempfile_in(dir)?;
    file.write_all(bytes)?;
    readable(file.as_file())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

fn write_or_remove(path: &Path, text: Option<&str>) -> io::Result<()> {
    match text {
        Some(text) => write(path, text.as_bytes()),
        None => gone(fs::remove_file(path)),
    }
}

/// A temporary file is its owner's alone; engines are no secret, and the worker
/// may be somebody else.
#[cfg(unix)]
fn readable(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable(_file: &File) -> io::Result<()> {
    Ok(())
}

fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn going_back_passes_over_what_is_quarantined() {
        let mut record = Record::default();
        for digest in ["a", "b", "c", "c", "d"] {
            record.activated(digest);
        }
        assert_eq!((record.active.as_deref(), record.earlier.join("")), (Some("d"), "abc".to_owned()));
        record.quarantined.insert("c".to_owned(), "it crashed".to_owned());
        assert_eq!(record.back().as_deref(), Some("b"));
        assert_eq!((record.active.as_deref(), record.earlier.join("")), (Some("b"), "a".to_owned()));
        assert_eq!((record.back().as_deref(), record.back()), (Some("a"), None));
        record.activated("c");
        assert!(record.quarantined.is_empty(), "who activates it says that it is sound");
    }
}
