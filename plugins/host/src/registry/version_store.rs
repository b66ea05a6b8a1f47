//! The files of the plugin directory. `<dir>/<name>.wasm` is the active version of
//! a name, however it got there. Every version that was ever active or installed
//! is kept in `<dir>/.versions/<name>`, so that a run finishes on the one it
//! started with and an operator can roll back. Files are written under a temporary
//! name and renamed.

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

/// Versions that can be rolled back to; older ones can still be activated.
const EARLIER_MAX: usize = 32;

/// Which versions of a name are and were active, and which are quarantined. A
/// stored format that only grows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct VersionHistory {
    /// The active version.
    pub(super) active: Option<String>,
    /// Those that were active before it, the last at the end.
    pub(super) earlier: Vec<String>,
    /// Quarantined versions, with the reason.
    pub(super) quarantined: BTreeMap<String, String>,
}

impl VersionHistory {
    pub(super) fn activate(&mut self, digest: &str) {
        self.quarantined.remove(digest);
        if self.active.as_deref() == Some(digest) {
            return;
        }
        self.earlier.extend(self.active.replace(digest.to_owned()));
        let spare = self.earlier.len().saturating_sub(EARLIER_MAX);
        self.earlier.drain(..spare);
    }

    /// Activates the last sound version before the active one and returns it.
    pub(super) fn roll_back(&mut self) -> Option<String> {
        let sound = |digest: &String| !self.quarantined.contains_key(digest);
        let at = self.earlier.iter().rposition(sound)?;
        let digest = self.earlier.remove(at);
        self.earlier.truncate(at);
        self.active = Some(digest.clone());
        Some(digest)
    }
}

#[derive(Clone, Debug)]
pub(super) struct VersionStore {
    pub(super) dir: PathBuf,
}

impl VersionStore {
    /// The active component of `name`, if the file exists.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.wasm"))
    }

    /// The operator's file about `name`, if it exists.
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

    /// An asset of an engine; engines may share one.
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

    /// Names of which something is stored.
    pub(super) fn names(&self) -> BTreeSet<String> {
        let stems = entries(&self.dir).filter_map(|file| Some(file.strip_suffix(".wasm")?.to_owned()));
        // A folder without a file is left by an interrupted removal.
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

    /// The history of `name`; empty if none is stored.
    ///
    /// # Errors
    /// [`PluginError::Unreadable`] for a damaged file: its quarantines still apply.
    pub(super) fn history(&self, name: &str) -> Result<VersionHistory, PluginError> {
        let path = self.record_file(name);
        let Some(text) = self.text(name, &path)? else { return Ok(VersionHistory::default()) };
        serde_json::from_str(&text).map_err(|error| unreadable(name, &path, &error))
    }

    fn text(&self, name: &str, path: &Path) -> Result<Option<String>, PluginError> {
        match fs::read_to_string(path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if is_absence(&error) => Ok(None),
            Err(error) => Err(unreadable(name, path, &error)),
        }
    }

    /// Stores a version with its manifest, assets and signature, replacing earlier
    /// ones of that version.
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
        // An existing file may be damaged, whatever its name says.
        if fs::read(&path).is_ok_and(|kept| hex::encode(Sha256::digest(kept)) == digest) {
            return Ok(());
        }
        write(&path, &package.wasm).map_err(wrong)
    }

    /// Makes `wasm` the active component of `name`, or removes it with `None`. A
    /// signature that was dropped in belongs to the component that was replaced.
    pub(super) fn set_current(&self, name: &str, wasm: Option<&[u8]>) -> Result<(), PluginError> {
        let path = self.file(name);
        let placed = match wasm {
            Some(wasm) => fs::create_dir_all(&self.dir).and_then(|()| write(&path, wasm)),
            None => ignore_absent(fs::remove_file(&path)),
        };
        let signature = self.dir.join(format!("{name}.wasm{SIGNATURE_SUFFIX}"));
        placed
            .and_then(|()| ignore_absent(fs::remove_file(signature)))
            .map_err(|error| self.failed(&path, &error))
    }

    /// Removes a version.
    pub(super) fn remove_version(&self, name: &str, digest: &str) -> Result<(), PluginError> {
        let path = self.version(name, digest);
        ignore_absent(fs::remove_file(self.manifest_file(name, digest)))
            .and_then(|()| ignore_absent(fs::remove_file(self.signature_file(name, digest))))
            .and_then(|()| ignore_absent(fs::remove_file(&path)))
            .map_err(|error| self.failed(&path, &error))
    }

    /// Removes everything that is stored of `name`, including damaged files.
    pub(super) fn remove_all(&self, name: &str) -> Result<(), PluginError> {
        let _lock = self.lock_directory()?;
        self.set_current(name, None)?;
        let dir = self.versions_dir(name);
        ignore_absent(fs::remove_dir_all(&dir)).map_err(|error| self.failed(&dir, &error))
    }

    /// Runs `work` on the history of `name` and stores the result, while no other
    /// process changes the directory. An unchanged history is not written.
    ///
    /// # Errors
    /// [`PluginError::Unreadable`] for a damaged history, which is never overwritten; [`PluginError::Directory`]; those of `work`.
    pub(super) fn change<T>(
        &self,
        name: &str,
        work: impl FnOnce(&mut VersionHistory) -> Result<T, PluginError>,
    ) -> Result<T, PluginError> {
        let _lock = self.lock_directory()?;
        let before = self.history(name)?;
        let mut history = before.clone();
        let done = work(&mut history)?;
        if history != before {
            let path = self.record_file(name);
            let text = serde_json::to_vec(&history).map_err(io::Error::other);
            let written = text.and_then(|text| {
                fs::create_dir_all(self.versions_dir(name))?;
                write(&path, &text)
            });
            written.map_err(|error| self.failed(&path, &error))?;
        }
        Ok(done)
    }

    /// Locks the directory against changes by other processes until the returned file
    /// is dropped.
    fn lock_directory(&self) -> Result<File, PluginError> {
        // Beside the folders of the names, as one of those may be removed.
        let dir = self.dir.join(".versions");
        let locked = fs::create_dir_all(&dir).and_then(|()| {
            let lock = File::create(dir.join(".lock"))?;
            lock.lock()?;
            Ok(lock)
        });
        locked.map_err(|error| self.failed(&dir, &error))
    }

    fn failed(&self, path: &Path, error: &io::Error) -> PluginError {
        PluginError::Directory { path: path.to_owned(), reason: error.to_string() }
    }
}

fn entries(dir: &Path) -> impl Iterator<Item = String> + use<> {
    let found = fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok);
    found.filter_map(|entry| entry.file_name().into_string().ok())
}

/// Writes a file atomically, also when the power fails.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let dir = path.parent().unwrap_or_else(|| Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".part-").tempfile_in(dir)?;
    file.write_all(bytes)?;
    make_readable(file.as_file())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    // The file's name is data of the folder.
    File::open(dir)?.sync_all()
}

fn write_or_remove(path: &Path, text: Option<&str>) -> io::Result<()> {
    match text {
        Some(text) => write(path, text.as_bytes()),
        None => ignore_absent(fs::remove_file(path)),
    }
}

/// Temporary files are private to their owner, but engines are not secret, and the
/// worker may run as another user.
#[cfg(unix)]
fn make_readable(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn make_readable(_file: &File) -> io::Result<()> {
    Ok(())
}

/// Whether the file is missing, as opposed to inaccessible.
pub(super) fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn unreadable(name: &str, path: &Path, error: &dyn std::fmt::Display) -> PluginError {
    PluginError::Unreadable { name: name.to_owned(), path: path.to_owned(), reason: error.to_string() }
}

fn ignore_absent(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_history_is_an_error_and_is_not_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let store = VersionStore { dir: dir.path().to_owned() };
        let out = |history: &mut VersionHistory| {
            history.quarantined.insert("a".to_owned(), "it crashed".to_owned());
            Ok(())
        };
        store.change("reader", out).unwrap();
        assert_eq!(store.history("reader").unwrap().quarantined.len(), 1);
        assert_eq!(store.history("another").unwrap(), VersionHistory::default(), "of which nothing is known");

        let path = store.record_file("reader");
        let whole = fs::read(&path).unwrap();
        // Cut off, empty, not text, and no file at all.
        for damaged in [&whole[..whole.len() / 2], b"", b"\xff\xfe"] {
            fs::write(&path, damaged).unwrap();
            for error in [store.history("reader").unwrap_err(), store.change("reader", out).unwrap_err()] {
                assert_eq!(error.code(), "ENGINE_UNREADABLE");
                assert!(error.to_string().contains("record.json"), "{error}");
            }
            assert_eq!(fs::read(&path).unwrap(), damaged, "nothing is written over it");
        }
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert_eq!(store.history("reader").unwrap_err().code(), "ENGINE_UNREADABLE");
        assert_eq!(store.manifest("reader", "record").unwrap(), None);
        fs::create_dir(store.manifest_file("reader", "a")).unwrap();
        assert_eq!(store.manifest("reader", "a").unwrap_err().code(), "ENGINE_UNREADABLE");
        store.remove_all("reader").expect("who takes all of it away need not read it");
        assert_eq!(store.history("reader").unwrap(), VersionHistory::default());
    }

    #[test]
    fn a_change_without_effect_creates_no_name() {
        let dir = tempfile::tempdir().unwrap();
        let store = VersionStore { dir: dir.path().to_owned() };
        assert_eq!(store.change("nope", |history| Ok(history.roll_back())).unwrap(), None);
        assert!(store.names().is_empty());
        fs::create_dir_all(store.versions_dir("ghost")).unwrap();
        assert!(store.names().is_empty(), "a folder is no engine");
    }

    #[test]
    fn rolling_back_skips_quarantined_versions() {
        let mut history = VersionHistory::default();
        for digest in ["a", "b", "c", "c", "d"] {
            history.activate(digest);
        }
        assert_eq!((history.active.as_deref(), history.earlier.join("")), (Some("d"), "abc".to_owned()));
        history.quarantined.insert("c".to_owned(), "it crashed".to_owned());
        assert_eq!(history.roll_back().as_deref(), Some("b"));
        assert_eq!((history.active.as_deref(), history.earlier.join("")), (Some("b"), "a".to_owned()));
        assert_eq!((history.roll_back().as_deref(), history.roll_back()), (Some("a"), None));
        history.activate("c");
        assert!(history.quarantined.is_empty(), "who activates it says that it is sound");
    }
}
