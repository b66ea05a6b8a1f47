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

    /// The manifest a version was installed with, if it came with one.
    ///
    /// # Errors
    /// [`PluginError::Unreadable`]: without its manifest the version would be
    /// another engine.
    pub(super) fn manifest(&self, name: &str, digest: &str) -> Result<Option<String>, PluginError> {
        self.text(name, &self.manifest_file(name, digest))
    }

    /// The signature a version was installed with, if it was signed.
    ///
    /// # Errors
    /// [`PluginError::Unreadable`].
    pub(super) fn signature(&self, name: &str, digest: &str) -> Result<Option<String>, PluginError> {
        self.text(name, &self.signature_file(name, digest))
    }

    /// Names that something is known of.
    pub(super) fn names(&self) -> BTreeSet<String> {
        let stems = entries(&self.dir).filter_map(|file| Some(file.strip_suffix(".wasm")?.to_owned()));
        // A folder without a file is what a removal left that was interrupted.
        let kept = entries(&self.dir.join(".versions"));
        let kept = kept.filter(|name| is_name(name) && entries(&self.versions_dir(name)).next().is_some());
        stems.filter(|name| is_name(name)).chain(kept).collect()
    }

    /// Digests of the versions of `name` that are kept.
    pub(super) fn versions(&self, name: &str) -> BTreeSet<String> {
        let stems =
            entries(&self.versions_dir(name)).filter_map(|file| Some(file.strip_suffix(".wasm")?.to_owned()));
        stems.filter(|digest| is_digest(digest)).collect()
    }

    /// What is written down about `name`, if anything is.
    ///
    /// # Errors
    /// [`PluginError::Unreadable`] for a file that is there: what it said about
    /// versions that are out of service still holds.
    pub(super) fn record(&self, name: &str) -> Result<Record, PluginError> {
        let path = self.record_file(name);
        let Some(text) = self.text(name, &path)? else { return Ok(Record::default()) };
        serde_json::from_str(&text).map_err(|error| unreadable(name, &path, &error))
    }

    fn text(&self, name: &str, path: &Path) -> Result<Option<String>, PluginError> {
        match fs::read_to_string(path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if is_absence(&error) => Ok(None),
            Err(error) => Err(unreadable(name, path, &error)),
        }
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

    /// Takes everything away that is kept of `name`, also what can't be read.
    pub(super) fn forget_all(&self, name: &str) -> Result<(), PluginError> {
        let _alone = self.alone()?;
        self.place(name, None)?;
        let dir = self.versions_dir(name);
        gone(fs::remove_dir_all(&dir)).map_err(|error| self.failed(&dir, &error))
    }

    /// Does `work` on the record of `name` and writes it down, while nobody else
    /// does, in any process. Of a name that nothing comes of, nothing is left.
    ///
    /// # Errors
    /// [`PluginError::Unreadable`] for a record that can't be read, which is never
    /// written over; [`PluginError::Shelf`]; those of `work`.
    pub(super) fn change<T>(
        &self,
        name: &str,
        work: impl FnOnce(&mut Record) -> Result<T, PluginError>,
    ) -> Result<T, PluginError> {
        let _alone = self.alone()?;
        let before = self.record(name)?;
        let mut record = before.clone();
        let done = work(&mut record)?;
        if record != before {
            let path = self.record_file(name);
            let text = serde_json::to_vec(&record).map_err(io::Error::other);
            let written = text.and_then(|text| {
                fs::create_dir_all(self.versions_dir(name))?;
                write(&path, &text)
            });
            written.map_err(|error| self.failed(&path, &error))?;
        }
        Ok(done)
    }

    /// Nobody else changes the directory as long as what is returned lives.
    fn alone(&self) -> Result<File, PluginError> {
        // Beside the names' folders, as one of those may be taken away.
        let dir = self.dir.join(".versions");
        let locked = fs::create_dir_all(&dir).and_then(|()| {
            let lock = File::create(dir.join(".lock"))?;
            lock.lock()?;
            Ok(lock)
        });
        locked.map_err(|error| self.failed(&dir, &error))
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
    // Its name is part of the folder.
    File::open(dir)?.sync_all()
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

/// Whether nothing is there, as opposed to what can't be looked at.
pub(super) fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn unreadable(name: &str, path: &Path, error: &dyn std::fmt::Display) -> PluginError {
    PluginError::Unreadable { name: name.to_owned(), path: path.to_owned(), reason: error.to_string() }
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
    fn a_record_that_can_not_be_read_is_an_error_and_stays_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let shelf = Shelf { dir: dir.path().to_owned() };
        let out = |record: &mut Record| {
            record.quarantined.insert("a".to_owned(), "it crashed".to_owned());
            Ok(())
        };
        shelf.change("reader", out).unwrap();
        assert_eq!(shelf.record("reader").unwrap().quarantined.len(), 1);
        assert_eq!(shelf.record("another").unwrap(), Record::default(), "of which nothing is known");

        let path = shelf.record_file("reader");
        let whole = fs::read(&path).unwrap();
        // Cut off, empty, not text, and no file at all.
        for damaged in [&whole[..whole.len() / 2], b"", b"\xff\xfe"] {
            fs::write(&path, damaged).unwrap();
            for error in [shelf.record("reader").unwrap_err(), shelf.change("reader", out).unwrap_err()] {
                assert_eq!(error.code(), "ENGINE_UNREADABLE");
                assert!(error.to_string().contains("record.json"), "{error}");
            }
            assert_eq!(fs::read(&path).unwrap(), damaged, "nothing is written over it");
        }
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert_eq!(shelf.record("reader").unwrap_err().code(), "ENGINE_UNREADABLE");
        assert_eq!(shelf.manifest("reader", "record").unwrap(), None);
        fs::create_dir(shelf.manifest_file("reader", "a")).unwrap();
        assert_eq!(shelf.manifest("reader", "a").unwrap_err().code(), "ENGINE_UNREADABLE");
        shelf.forget_all("reader").expect("who takes all of it away need not read it");
        assert_eq!(shelf.record("reader").unwrap(), Record::default());
    }

    #[test]
    fn a_change_that_comes_to_nothing_makes_no_name() {
        let dir = tempfile::tempdir().unwrap();
        let shelf = Shelf { dir: dir.path().to_owned() };
        assert_eq!(shelf.change("nope", |record| Ok(record.back())).unwrap(), None);
        assert!(shelf.names().is_empty());
        fs::create_dir_all(shelf.versions_dir("ghost")).unwrap();
        assert!(shelf.names().is_empty(), "a folder is no engine");
    }

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
