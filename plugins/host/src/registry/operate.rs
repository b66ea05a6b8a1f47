//! What operators do: install, activate, roll back, remove and quarantine versions.
//! All of it changes files under a lock that all processes share, so it can be done
//! from any process.

use std::path::PathBuf;
use std::sync::Arc;

use super::built_in;
use super::find::stamp;
use super::version_store::VersionStore;
use super::{Reference, Registry, reference};
use crate::admission::{self, Requirements};
use crate::boxed;
use crate::call_metrics;
use crate::check::Check;
use crate::engine::LoadedEngine;
use crate::error::PluginError;
use crate::package::Package;

/// The result of an installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// Name under which it is installed.
    pub name: String,
    /// SHA-256 of its component, hexadecimal.
    pub digest: String,
    /// The version from its description.
    pub version: String,
    /// Whether it was activated.
    pub active: bool,
    /// The checks that it passed.
    pub checks: Vec<Check>,
}

impl Registry {
    /// Checks `package`, stores it as a version of `name` and, with `activate`,
    /// activates it. Runs that started with another version finish on that one.
    ///
    /// # Errors
    /// [`PluginError::Rejected`] with all checks when one failed: nothing has changed
    /// then. [`PluginError::Directory`] when the directory can't be written to,
    /// [`PluginError::NotFound`] for an invalid name.
    #[boxed]
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
        let requirements = Requirements { sha256, trust: &self.trust, grants: &self.grants(name)? };
        let report = admission::check(&self.host, name, &package, requirements).await;
        let Some(engine) = report.engine else {
            return Err(PluginError::Rejected { name: name.to_owned(), checks: report.checks });
        };
        let (digest, version) = (engine.digest().to_owned(), engine.version().to_owned());
        let (store, key, kept) = (self.store.clone(), name.to_owned(), digest.clone());
        blocking(move || {
            store.change(&key, |history| {
                store.keep(&key, &kept, &package)?;
                if activate {
                    store.set_current(&key, Some(&package.wasm))?;
                    history.activate(&kept);
                }
                Ok(())
            })
        })
        .await?;
        // The manifest may differ from the one that is loaded.
        self.state().ready.retain(|known| !known.is(name, &digest));
        Ok(Installed { name: name.to_owned(), digest, version, active: activate, checks: report.checks })
    }

    /// Activates that version and lifts its quarantine.
    ///
    /// # Errors
    /// [`PluginError::NotFound`] for an unknown name,
    /// [`PluginError::Gone`] when no such version is kept,
    /// [`PluginError::Incompatible`] when it can't be used here,
    /// [`PluginError::Directory`].
    #[boxed]
    pub async fn activate(&self, version: &Reference) -> Result<Arc<LoadedEngine>, PluginError> {
        let name = &version.name;
        self.refuse_unknown(name).await?;
        let wanted = version.digest.as_deref().ok_or_else(|| self.gone(name, "(none named)"))?;
        let digest = self.complete_digest(name, wanted);
        let name_lock = self.name_lock(name);
        let _guard = name_lock.lock().await;
        let found = self.find_version(name, &digest).await?.ok_or_else(|| self.gone(name, &digest))?;
        let engine = self.ready(name, found).await?;
        let (store, key, digest) = (self.store.clone(), name.clone(), engine.digest().to_owned());
        blocking(move || {
            store.change(&key, |history| {
                make_active(&store, &key, &digest)?;
                history.activate(&digest);
                Ok(())
            })
        })
        .await?;
        Ok(engine)
    }

    /// Activates the version that was active before the current one.
    ///
    /// # Errors
    /// [`PluginError::NotFound`] for an unknown name,
    /// [`PluginError::NothingEarlier`], [`PluginError::Unreadable`],
    /// [`PluginError::Directory`]; as [`Registry::resolve`] when that version can't be
    /// used.
    #[boxed]
    pub async fn rollback(&self, name: &str) -> Result<Arc<LoadedEngine>, PluginError> {
        self.refuse_unknown(name).await?;
        // A component that was dropped in but never used is recorded first, so that
        // rolling back means rolling back from it.
        let _now = self.resolve(name).await;
        let nothing = || PluginError::NothingEarlier { name: name.to_owned() };
        let (store, key) = (self.store.clone(), name.to_owned());
        let back = blocking(move || {
            store.change(&key, |history| {
                let back = history.roll_back();
                if let Some(digest) = &back {
                    make_active(&store, &key, digest)?;
                }
                Ok(back)
            })
        });
        back.await?.ok_or_else(nothing)?;
        self.resolve(name).await
    }

    /// Removes an engine with all its versions, or one inactive version. Runs that
    /// are pinned to it end in [`PluginError::Gone`].
    ///
    /// # Errors
    /// [`PluginError::NotFound`], [`PluginError::Gone`],
    /// [`PluginError::Serving`] for the active version,
    /// [`PluginError::Directory`].
    #[boxed]
    pub async fn remove(&self, what: &Reference) -> Result<(), PluginError> {
        let name = what.name.clone();
        let (store, key) = (self.store.clone(), name.clone());
        if !blocking(move || Ok(store.names().contains(&key))).await? {
            return Err(self.not_found(&name));
        }
        let wanted = what.digest.as_ref().map(|digest| self.complete_digest(&name, digest));
        if let Some(digest) = &wanted {
            if !self.store.versions(&name).contains(digest) {
                return Err(self.gone(&name, digest));
            }
            if self.find(&name).await?.is_some_and(|found| found.digest == *digest) {
                return Err(PluginError::Serving { name, digest: digest.clone() });
            }
        }
        let (store, key, digest) = (self.store.clone(), name.clone(), wanted.clone());
        blocking(move || {
            let Some(digest) = &digest else { return store.remove_all(&key) };
            store.change(&key, |history| {
                history.earlier.retain(|earlier| earlier != digest);
                store.remove_version(&key, digest)
            })
        })
        .await?;
        let taken = |engine: &LoadedEngine| {
            engine.name() == name && wanted.as_ref().is_none_or(|digest| digest == engine.digest())
        };
        self.state().ready.retain(|ready| !taken(&ready.engine));
        Ok(())
    }

    /// Quarantines a version and activates the one before it, if it was active.
    /// Returns the digest of the newly active version, if there is one.
    ///
    /// # Errors
    /// [`PluginError::Directory`].
    #[boxed]
    pub async fn quarantine(
        &self,
        name: &str,
        digest: &str,
        reason: &str,
    ) -> Result<Option<String>, PluginError> {
        let (store, key) = (self.store.clone(), name.to_owned());
        let (out, reason) = (digest.to_owned(), reason.to_owned());
        let back = blocking(move || {
            store.change(&key, |history| {
                history.quarantined.insert(out.clone(), reason);
                if history.active.as_ref() != Some(&out) {
                    return Ok(None);
                }
                let back = history.roll_back();
                if let Some(digest) = &back {
                    make_active(&store, &key, digest)?;
                }
                Ok(back)
            })
        })
        .await?;
        call_metrics::record_quarantine(name, digest);
        Ok(back)
    }

    /// Fails unless `name` is a built-in engine or something is stored of it.
    async fn refuse_unknown(&self, name: &str) -> Result<(), PluginError> {
        let (store, key) = (self.store.clone(), name.to_owned());
        let known =
            blocking(move || Ok(built_in::component(&key).is_some() || store.names().contains(&key))).await?;
        if known { Ok(()) } else { Err(self.not_found(name)) }
    }

    /// Stores a component that was dropped in at `path` as the active version, for
    /// the runs that start with it. If the directory can't be written to, the engine
    /// is used all the same.
    pub(super) async fn keep_dropped_in(&self, engine: &LoadedEngine, path: PathBuf, package: Package) {
        let (name, digest) = (engine.name().to_owned(), engine.digest().to_owned());
        if path != self.store.file(&name) {
            return;
        }
        let (store, then) = (self.store.clone(), stamp(&path));
        let kept = blocking(move || {
            let kept = store.signature(&name, &digest)? == package.signature;
            if kept && store.history(&name)?.active.as_ref() == Some(&digest) {
                return Ok(());
            }
            store.change(&name, |history| {
                store.keep(&name, &digest, &package)?;
                // Another file may have been put there meanwhile.
                if stamp(&path) == then {
                    if history.active.is_none()
                        && let Some(built_in) = built_in::digest(&name)
                    {
                        history.activate(&built_in);
                    }
                    history.activate(&digest);
                }
                Ok(())
            })
        });
        if let Err(error) = kept.await {
            tracing::warn!(%error, "can't keep the engine version");
        }
    }
}

/// Puts a stored version, or the built-in one, where the name is looked up.
fn make_active(store: &VersionStore, name: &str, digest: &str) -> Result<(), PluginError> {
    let path = store.version(name, digest);
    if path.is_file() {
        let wasm = std::fs::read(&path)
            .map_err(|error| PluginError::Directory { path: path.clone(), reason: error.to_string() })?;
        return store.set_current(name, Some(&wasm));
    }
    if built_in::digest(name).is_some_and(|built_in| digest == built_in) {
        return store.set_current(name, None);
    }
    // A component that was dropped in and never stored is still in place.
    Ok(())
}

/// Runs `work` on a thread for blocking calls.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, PluginError> + Send + 'static,
) -> Result<T, PluginError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| PluginError::Sandbox(format!("work on the plugin directory failed: {error}")))?
}
