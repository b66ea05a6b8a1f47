//! Finds a component and what it was installed with.

use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use super::operate::blocking;
use super::version_store::{VersionStore, is_absence};
use super::{Registry, built_in, reference};
use crate::error::PluginError;
use crate::grants::Grants;
use crate::manifest::Manifest;
use crate::package::{self, Package, signature_of};

/// Metadata that changes when a file does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct FileStamp {
    modified: Option<SystemTime>,
    bytes: u64,
    #[cfg(unix)]
    inode: (u64, i64),
}

/// A component's digest and where its bytes are.
pub(super) struct FoundComponent {
    pub(super) digest: String,
    pub(super) source: ComponentSource,
}

pub(super) enum ComponentSource {
    BuiltIn,
    File(PathBuf),
}

impl Registry {
    /// The full digest that starts with `digest`, if exactly one kept version's does;
    /// else `digest`.
    pub(super) fn complete_digest(&self, name: &str, digest: &str) -> String {
        let mut kept = self.store.versions(name);
        kept.extend(built_in::digest(name));
        let mut matching = kept.into_iter().filter(|kept| kept.starts_with(digest));
        match (matching.next(), matching.next()) {
            (Some(one), None) => one,
            _ => digest.to_owned(),
        }
    }

    pub(super) async fn find(&self, name: &str) -> Result<Option<FoundComponent>, PluginError> {
        if !reference::is_name(name) {
            return Ok(None);
        }
        let path = self.store.file(name);
        match read_stamp(&path).map_err(|error| unreadable(name, &path, &error))? {
            Some(now) => {
                let digest = match self.known_digest(&path, now) {
                    Some(digest) => digest,
                    None => {
                        let wasm = self.read(name, &path).await?;
                        blocking(move || Ok(hex::encode(Sha256::digest(wasm)))).await?
                    }
                };
                self.state().digests.insert(path.clone(), (now, digest.clone()));
                Ok(Some(FoundComponent { digest, source: ComponentSource::File(path) }))
            }
            None => {
                self.state().digests.remove(&path);
                let built_in = |digest| FoundComponent { digest, source: ComponentSource::BuiltIn };
                Ok(built_in::digest(name).map(built_in))
            }
        }
    }

    pub(super) async fn find_version(
        &self,
        name: &str,
        digest: &str,
    ) -> Result<Option<FoundComponent>, PluginError> {
        if !reference::is_name(name) || !reference::is_digest(digest) {
            return Ok(None);
        }
        if let Some(found) = self.find(name).await?.filter(|found| found.digest == digest) {
            return Ok(Some(found));
        }
        let kept = self.store.version(name, digest);
        let is_kept = read_stamp(&kept).map_err(|error| unreadable(name, &kept, &error))?.is_some();
        let source = if is_kept {
            ComponentSource::File(kept)
        } else if built_in::digest(name).is_some_and(|built_in| digest == built_in) {
            ComponentSource::BuiltIn
        } else {
            return Ok(None);
        };
        Ok(Some(FoundComponent { digest: digest.to_owned(), source }))
    }

    fn known_digest(&self, path: &Path, now: FileStamp) -> Option<String> {
        let state = self.state();
        let (then, digest) = state.digests.get(path)?;
        (*then == now).then(|| digest.clone())
    }

    pub(super) fn grants(&self, name: &str) -> Result<Grants, PluginError> {
        let path = self.store.grants(name);
        let wrong = |reason: String| PluginError::Incompatible {
            name: name.to_owned(),
            reason: format!("{}: {reason}", path.display()),
        };
        match std::fs::read_to_string(&path) {
            Ok(text) => Grants::parse(&text).map_err(wrong),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Grants::default()),
            Err(error) => Err(wrong(error.to_string())),
        }
    }

    pub(super) async fn wasm(&self, name: &str, source: &ComponentSource) -> Result<Vec<u8>, PluginError> {
        match source {
            ComponentSource::BuiltIn => Ok(built_in::component(name).unwrap_or_default().to_vec()),
            ComponentSource::File(path) => self.read(name, path).await,
        }
    }

    async fn read(&self, name: &str, path: &Path) -> Result<Vec<u8>, PluginError> {
        let incompatible = |reason: String| PluginError::Incompatible { name: name.to_owned(), reason };
        let bytes_max = self.host.limits.component_bytes_max;
        let bytes = stamp(path).map_or(0, |stamp| stamp.bytes);
        if bytes > bytes_max {
            return Err(incompatible(format!(
                "{} has {bytes} bytes, and {bytes_max} are allowed",
                path.display()
            )));
        }
        tokio::fs::read(path).await.map_err(|error| incompatible(format!("{}: {error}", path.display())))
    }
}

impl VersionStore {
    /// The component with the manifest and the assets it was installed with, and its
    /// signature: the stored one, or the one beside a component that was dropped in.
    pub(super) fn package(
        &self,
        name: &str,
        wasm: Vec<u8>,
        source: &ComponentSource,
    ) -> Result<Package, PluginError> {
        let incompatible = |reason: String| PluginError::Incompatible { name: name.to_owned(), reason };
        let mut package = self.without_assets(name, wasm)?;
        if let ComponentSource::File(path) = source
            && package.signature.is_none()
            && *path == self.file(name)
        {
            package.signature = signature_of(path).map_err(|error| incompatible(error.to_string()))?;
        }
        if let Some(manifest) = &package.manifest {
            package.assets = package::assets(manifest, |asset| self.asset(&asset.sha256))
                .map_err(|error| incompatible(error.to_string()))?;
        }
        Ok(package)
    }

    /// What is stored of a version, without its assets.
    ///
    /// # Errors
    /// [`PluginError::Incompatible`] with what is wrong with its manifest,
    /// [`PluginError::Unreadable`].
    pub(super) fn without_assets(&self, name: &str, wasm: Vec<u8>) -> Result<Package, PluginError> {
        let mut package = Package::bare(name, wasm);
        let digest = package.digest();
        package.signature = self.signature(name, &digest)?;
        if let Some(text) = self.manifest(name, &digest)? {
            let manifest = Manifest::parse(&text).map_err(|reason| PluginError::Incompatible {
                name: name.to_owned(),
                reason: format!("its manifest: {reason}"),
            })?;
            (package.manifest, package.manifest_text) = (Some(manifest), text);
        }
        Ok(package)
    }
}

/// A file that can't be accessed is not missing: a run that is pinned to it waits.
fn unreadable(name: &str, path: &Path, error: &io::Error) -> PluginError {
    PluginError::Unreadable { name: name.to_owned(), path: path.to_owned(), reason: error.to_string() }
}

/// The stamp of a file; `None` if it is missing or can't be accessed.
pub(super) fn stamp(path: &Path) -> Option<FileStamp> {
    read_stamp(path).ok().flatten()
}

/// The stamp of a file; `None` if it is missing.
fn read_stamp(path: &Path) -> io::Result<Option<FileStamp>> {
    let meta = match std::fs::metadata(path) {
        Ok(meta) if meta.is_file() => meta,
        Ok(_) => return Ok(None),
        Err(error) if is_absence(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    #[cfg(unix)]
    let inode = {
        use std::os::unix::fs::MetadataExt;
        (meta.ino(), meta.ctime_nsec() ^ (meta.ctime() << 30))
    };
    Ok(Some(FileStamp {
        modified: meta.modified().ok(),
        bytes: meta.len(),
        #[cfg(unix)]
        inode,
    }))
}
