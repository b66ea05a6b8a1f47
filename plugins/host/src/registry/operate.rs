//! What operators do: install a version, make it the one that serves, go back,
//! take it away. All of it is done on the files, under a lock that all processes
//! share, so that it makes no difference who does it.

use std::path::PathBuf;
use std::sync::Arc;

use super::find::{built_in_digest, stamp};
use super::shelf::Shelf;
use super::{BUILT_IN, Reference, Registry, reference};
use crate::check::Check;
use crate::engine::Engine;
use crate::error::PluginError;
use crate::gate::{self, Terms};
use crate::meter;
use crate::package::Package;

/// What an installation came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// The name it can be asked for by.
    pub name: String,
    /// SHA-256 of its component, hexadecimal.
    pub digest: String,
    /// The version it says it is.
    pub version: String,
    /// Whether the name means it from now on.
    pub active: bool,
    /// What the gate looked at.
    pub checks: Vec<Check>,
}

impl Registry {
    /// Lets `package` through the gate, keeps it as a version of `name` and,
    /// with `activate`, has the name mean it. Runs that began on another version
    /// finish on that one.
    ///
    /// # Errors
    /// [`PluginError::Rejected`] with every check when it did not pass: nothing
    /// has changed then. [`PluginError::Shelf`] when the directory can't be
    /// written to, [`PluginError::NotFound`] for a name that is none.
    pub async fn install(
        &self,
        name: &str,
        package: Package,
        sha256: Option<&str>,
        activate: bool,
    ) -> Result<Installed, PluginError> {
        if !reference::is_name(name) {
            return Err(self.not_found(name));
        }
        let terms = Terms { sha256, trust: &self.trust, grants: &self.grants(name)? };
        let report = gate::examine(&self.host, name, &package, terms).await;
        let Some(engine) = report.engine else {
            return Err(PluginError::Rejected { name: name.to_owned(), checks: report.checks });
        };
        let (digest, version) = (engine.digest().to_owned(), engine.version().to_owned());
        let (shelf, key, kept) = (self.shelf.clone(), name.to_owned(), digest.clone());
        blocking(move || {
            shelf.change(&key, |record| {
                shelf.keep(&key, &kept, &package)?;
                if activate {
                    shelf.place(&key, Some(&package.wasm))?;
                    record.activated(&kept);
                }
                Ok(())
            })
        })
        .await?;
        // The manifest may be another than the one it was ready with.
        self.state().ready.retain(|known| !known.is(name, &digest));
        Ok(Installed { name: name.to_owned(), digest, version, active: activate, checks: report.checks })
    }

    /// Has the name mean that version from now on, and lifts its quarantine.
    ///
    /// # Errors
    /// [`PluginError::NotFound`] for a name of which nothing is kept,
    /// [`PluginError::Gone`] when no such version is kept,
    /// [`PluginError::Incompatible`] when it can't be used here,
    /// [`PluginError::Shelf`].
    pub async fn activate(&self, version: &Reference) -> Result<Arc<Engine>, PluginError> {
        let name = &version.name;
        self.refuse_unknown(name).await?;
        let wanted = version.digest.as_deref().ok_or_else(|| self.gone(name, "(none named)"))?;
        let digest = self.whole(name, wanted);
        let gate = self.gate(name);
        let _alone = gate.lock().await;
        let found = self.find_version(name, &digest).await?.ok_or_else(|| self.gone(name, &digest))?;
        let engine = self.ready(name, found).await?;
        let (shelf, key, digest) = (self.shelf.clone(), name.clone(), engine.digest().to_owned());
        blocking(move || {
            shelf.change(&key, |record| {
                make_active(&shelf, &key, &digest)?;
                record.activated(&digest);
                Ok(())
            })
        })
        .await?;
        Ok(engine)
    }

    /// Has the name mean the version that served before the one that serves now.
    ///
    /// # Errors
    /// [`PluginError::NotFound`] for a name of which nothing is kept,
    /// [`PluginError::NothingEarlier`], [`PluginError::Unreadable`],
    /// [`PluginError::Shelf`]; as [`Registry::resolve`] when that version can't be
    /// used.
    pub async fn rollback(&self, name: &str) -> Result<Arc<Engine>, PluginError> {
        self.refuse_unknown(name).await?;
        // What was dropped in but never asked for is looked at first, so that
        // going back means going back from it.
        let _now = self.resolve(name).await;
        let nothing = || PluginError::NothingEarlier { name: name.to_owned() };
        let (shelf, key) = (self.shelf.clone(), name.to_owned());
        let back = blocking(move || {
            shelf.change(&key, |record| {
                let back = record.back();
                if let Some(digest) = &back {
                    make_active(&shelf, &key, digest)?;
                }
                Ok(back)
            })
        });
        back.await?.ok_or_else(nothing)?;
        self.resolve(name).await
    }

    /// Takes an engine away with all its versions, or one version that does not
    /// serve. Runs that are pinned to it end in [`PluginError::Gone`].
    ///
    /// # Errors
    /// [`PluginError::NotFound`], [`PluginError::Gone`],
    /// [`PluginError::Serving`] for the version that serves,
    /// [`PluginError::Shelf`].
    pub async fn remove(&self, what: &Reference) -> Result<(), PluginError> {
        let name = what.name.clone();
        let (shelf, key) = (self.shelf.clone(), name.clone());
        if !blocking(move || Ok(shelf.names().contains(&key))).await? {
            return Err(self.not_found(&name));
        }
        let wanted = what.digest.as_ref().map(|digest| self.whole(&name, digest));
        if let Some(digest) = &wanted {
            if !self.shelf.versions(&name).contains(digest) {
                return Err(self.gone(&name, digest));
            }
            if self.find(&name).await?.is_some_and(|found| found.digest == *digest) {
                return Err(PluginError::Serving { name, digest: digest.clone() });
            }
        }
        let (shelf, key, digest) = (self.shelf.clone(), name.clone(), wanted.clone());
        blocking(move || {
            let Some(digest) = &digest else { return shelf.forget_all(&key) };
            shelf.change(&key, |record| {
                record.earlier.retain(|earlier| earlier != digest);
                shelf.forget(&key, digest)
            })
        })
        .await?;
        let taken = |engine: &Engine| {
            engine.name() == name && wanted.as_ref().is_none_or(|digest| digest == engine.digest())
        };
        self.state().ready.retain(|ready| !taken(&ready.engine));
        Ok(())
    }

    /// Has a version serve nobody any more, and the name mean the one before it.
    /// Returns the digest of that one, if there is one.
    ///
    /// # Errors
    /// [`PluginError::Shelf`].
    pub async fn quarantine(
        &self,
        name: &str,
        digest: &str,
        reason: &str,
    ) -> Result<Option<String>, PluginError> {
        let (shelf, key) = (self.shelf.clone(), name.to_owned());
        let (out, reason) = (digest.to_owned(), reason.to_owned());
        let back = blocking(move || {
            shelf.change(&key, |record| {
                record.quarantined.insert(out.clone(), reason);
                if record.active.as_ref() != Some(&out) {
                    return Ok(None);
                }
                let back = record.back();
                if let Some(digest) = &back {
                    make_active(&shelf, &key, digest)?;
                }
                Ok(back)
            })
        })
        .await?;
        meter::quarantined(name, digest);
        Ok(back)
    }

    /// Nothing is done about what is no engine: the built-in one, or a name of
    /// which something is kept.
    async fn refuse_unknown(&self, name: &str) -> Result<(), PluginError> {
        let (shelf, key) = (self.shelf.clone(), name.to_owned());
        let known = blocking(move || Ok(key == BUILT_IN || shelf.names().contains(&key))).await?;
        if known { Ok(()) } else { Err(self.not_found(name)) }
    }

    /// Writes down that the component at `path`, which can be used, is what its
    /// name means, and keeps it for the runs that begin on it. A directory that
    /// can't be written to keeps nothing, and serves all the same.
    pub(super) async fn adopt(&self, engine: &Engine, path: PathBuf, package: Package) {
        let (name, digest) = (engine.name().to_owned(), engine.digest().to_owned());
        if path != self.shelf.file(&name) {
            return;
        }
        let (shelf, then) = (self.shelf.clone(), stamp(&path));
        let kept = blocking(move || {
            let kept = shelf.signature(&name, &digest)? == package.signature;
            if kept && shelf.record(&name)?.active.as_ref() == Some(&digest) {
                return Ok(());
            }
            shelf.change(&name, |record| {
                shelf.keep(&name, &digest, &package)?;
                // Meanwhile another may have been put there.
                if stamp(&path) == then {
                    if record.active.is_none() && name == BUILT_IN {
                        record.activated(&built_in_digest());
                    }
                    record.activated(&digest);
                }
                Ok(())
            })
        });
        if let Err(error) = kept.await {
            tracing::warn!(%error, "can't keep the engine version");
        }
    }
}

/// Puts a kept version, or the built-in one, where the name is looked for.
fn make_active(shelf: &Shelf, name: &str, digest: &str) -> Result<(), PluginError> {
    let path = shelf.version(name, digest);
    if path.is_file() {
        let wasm = std::fs::read(&path)
            .map_err(|error| PluginError::Shelf { path: path.clone(), reason: error.to_string() })?;
        return shelf.place(name, Some(&wasm));
    }
    if name == BUILT_IN && digest == built_in_digest() {
        return shelf.place(name, None);
    }
    // What was dropped in and never kept is where it was.
    Ok(())
}

/// On a thread that may wait for the disk.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, PluginError> + Send + 'static,
) -> Result<T, PluginError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| PluginError::Sandbox(format!("work on the plugin directory failed: {error}")))?
}
