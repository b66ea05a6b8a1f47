//! Finds engines. The plugin directory is read on every lookup, so a component that
//! is dropped into it or activated serves the next task, in every process that
//! uses the directory. A run keeps the version it started with.

mod breaker;
mod built_in;
mod find;
mod list;
mod operate;
pub mod reference;
mod version_store;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Mutex as NameLock;
use tokio_util::sync::CancellationToken;

pub use built_in::{READER, SIMULATED, built_ins};
pub use list::{Listed, ListedVersion};
pub use operate::Installed;
pub use reference::Reference;

use crate::engine::LoadedEngine;
use crate::error::PluginError;
use crate::grants::Grants;
use crate::host::{Host, Options, Recognized};
use crate::package::Package;
use crate::page::Page;
use crate::signature::Trust;
use breaker::Breaker;
use find::{ComponentSource, FileStamp, FoundComponent, stamp};
use operate::blocking;
use version_store::VersionStore;

/// Engines that stay loaded: the newest of each name, and those of unfinished runs.
const READY_MAX: usize = 32;

/// Finds engines in a directory and the built-in ones.
pub struct Registry {
    host: Arc<Host>,
    store: VersionStore,
    trust: Trust,
    breaker: Breaker,
    /// Never locked while a file is read or compiled.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Digests of files, so that an unchanged file is not read again.
    digests: HashMap<PathBuf, (FileStamp, String)>,
    /// By name and digest, oldest first.
    ready: Vec<ReadyEngine>,
    /// One lock a name, so that an engine is read and compiled once for all
    /// concurrent lookups, which don't wait for other names. Only names that are
    /// being looked up are here.
    name_locks: HashMap<String, Arc<NameLock<()>>>,
}

/// A loaded engine and the stamp of the operator's file that applied.
struct ReadyEngine {
    engine: Arc<LoadedEngine>,
    grants: Option<FileStamp>,
}

impl Registry {
    /// A registry over `dir`, which need not exist yet.
    #[must_use]
    pub fn open(host: Arc<Host>, dir: PathBuf) -> Self {
        let (store, breaker) = (VersionStore { dir }, Breaker::default());
        Self { host, store, trust: Trust::default(), breaker, state: Mutex::default() }
    }

    /// The same, with the keys that the operator trusts. They apply to every engine
    /// that is loaded or installed but the built-in ones.
    #[must_use]
    pub fn trusting(self, trust: Trust) -> Self {
        Self { trust, ..self }
    }

    /// The engine that `text` refers to now: `<dir>/<name>.wasm`, else the built-in
    /// one of that name; with `@sha256:…` after the name, that version.
    ///
    /// # Errors
    /// [`PluginError::NotFound`], [`PluginError::Gone`] for a version that is
    /// not kept, [`PluginError::Quarantined`], [`PluginError::Incompatible`] with
    /// the reason, [`PluginError::Busy`] when a new engine can't be loaded now,
    /// [`PluginError::Sandbox`].
    pub async fn resolve(&self, text: &str) -> Result<Arc<LoadedEngine>, PluginError> {
        let Ok(Reference { name, digest }) = text.parse() else { return Err(self.not_found(text)) };
        if let Some(digest) = digest {
            let digest = self.complete_digest(&name, &digest);
            return self.by_digest(&name, &digest).await;
        }
        let name_lock = self.name_lock(&name);
        let _guard = name_lock.lock().await;
        let found = self.find(&name).await?.ok_or_else(|| self.not_found(&name))?;
        self.refuse_quarantined(&name, &found.digest).await?;
        self.ready(&name, found).await
    }

    /// The version `digest` of the engine `name`, whether or not it is active: runs
    /// are pinned to a version.
    ///
    /// # Errors
    /// [`PluginError::Gone`] when that version is not kept any more; else as
    /// [`Registry::resolve`].
    pub async fn by_digest(&self, name: &str, digest: &str) -> Result<Arc<LoadedEngine>, PluginError> {
        let name_lock = self.name_lock(name);
        let _guard = name_lock.lock().await;
        let found = self.find_version(name, digest).await?.ok_or_else(|| self.gone(name, digest))?;
        self.refuse_quarantined(name, digest).await?;
        let engine = self.ready(name, found).await?;
        // The file may have been replaced between the lookup and the load.
        if engine.digest() == digest { Ok(engine) } else { Err(self.gone(name, digest)) }
    }

    /// What the engine that `text` refers to consists of, and what its operator grants
    /// it. It is not verified.
    ///
    /// # Errors
    /// [`PluginError::NotFound`], [`PluginError::Gone`], [`PluginError::Unreadable`],
    /// [`PluginError::Incompatible`] with what is wrong with its files.
    pub async fn package(&self, text: &str) -> Result<(Package, Grants), PluginError> {
        let Ok(Reference { name, digest }) = text.parse() else { return Err(self.not_found(text)) };
        let found = match digest {
            Some(digest) => {
                let digest = self.complete_digest(&name, &digest);
                self.find_version(&name, &digest).await?.ok_or_else(|| self.gone(&name, &digest))?
            }
            None => self.find(&name).await?.ok_or_else(|| self.not_found(&name))?,
        };
        let wasm = self.wasm(&name, &found.source).await?;
        let grants = self.grants(&name)?;
        let store = self.store.clone();
        let package = blocking(move || store.package(&name, wasm, &found.source)).await?;
        Ok((package, grants))
    }

    /// The host that runs the engines.
    #[must_use]
    pub fn host(&self) -> &Arc<Host> {
        &self.host
    }

    /// Lets `engine` recognise `page`; see [`Host::recognize`]. A version with too
    /// many consecutive crashes and time-outs is quarantined: pages that are pinned
    /// to it wait, and the version before it becomes active.
    ///
    /// # Errors
    /// As [`Host::recognize`].
    pub async fn recognize(
        &self,
        engine: &Arc<LoadedEngine>,
        page: Arc<Page>,
        options: Options,
        cancel: CancellationToken,
    ) -> Result<Recognized, PluginError> {
        let outcome = self.host.recognize(engine, page, options, cancel).await;
        if let Some(reason) = self.breaker.record(engine, &outcome) {
            self.quarantine_faulty(engine, &reason).await;
        }
        outcome
    }

    async fn quarantine_faulty(&self, engine: &LoadedEngine, reason: &str) {
        let (name, digest) = (engine.name(), engine.digest());
        match self.quarantine(name, digest, reason).await {
            Ok(Some(now)) => tracing::error!(
                name,
                digest,
                reason,
                now,
                "engine quarantined; the previous version is active"
            ),
            Ok(None) => tracing::error!(name, digest, reason, "engine quarantined"),
            Err(error) => {
                tracing::error!(name, digest, reason, %error, "can't quarantine an engine")
            }
        }
    }

    async fn refuse_quarantined(&self, name: &str, digest: &str) -> Result<(), PluginError> {
        let (store, key) = (self.store.clone(), name.to_owned());
        let mut history = blocking(move || store.history(&key)).await?;
        match history.quarantined.remove(digest) {
            None => Ok(()),
            Some(reason) => {
                let (name, digest) = (name.to_owned(), digest.to_owned());
                Err(PluginError::Quarantined { name, digest, reason })
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic can't leave it inconsistent.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn name_lock(&self, name: &str) -> Arc<NameLock<()>> {
        let mut state = self.state();
        state.name_locks.retain(|_, lock| Arc::strong_count(lock) > 1);
        Arc::clone(state.name_locks.entry(name.to_owned()).or_default())
    }

    fn not_found(&self, name: &str) -> PluginError {
        let mut known = self.store.names();
        known.extend(built_ins().map(str::to_owned));
        let known: Vec<String> = known.into_iter().collect();
        // The name comes from a client, so it is cut.
        let name = name.chars().filter(|c| !c.is_control()).take(64).collect();
        PluginError::NotFound { name, dir: self.store.dir.clone(), known: known.join(", ") }
    }

    fn gone(&self, name: &str, digest: &str) -> PluginError {
        let (name, digest) = (name.to_owned(), digest.to_owned());
        PluginError::Gone { name, digest, dir: self.store.dir.clone() }
    }

    fn known_engine(&self, name: &str, digest: &str) -> Option<Arc<LoadedEngine>> {
        let grants = stamp(&self.store.grants(name));
        let mut state = self.state();
        state.ready.retain(|ready| ready.engine.name() != name || ready.grants == grants);
        let ready = state.ready.iter().find(|ready| ready.is(name, digest))?;
        Some(Arc::clone(&ready.engine))
    }

    async fn ready(&self, name: &str, found: FoundComponent) -> Result<Arc<LoadedEngine>, PluginError> {
        if let Some(engine) = self.known_engine(name, &found.digest) {
            return Ok(engine);
        }
        let wasm = self.wasm(name, &found.source).await?;
        // The file may have changed since it was found; the digest of the bytes read
        // here is what counts.
        let (store, trust, key) = (self.store.clone(), self.trust.clone(), name.to_owned());
        let (package, source) = blocking(move || {
            let package = store.package(&key, wasm, &found.source)?;
            check_signature(&trust, &key, &package, &found.source)?;
            Ok((package, found.source))
        })
        .await?;
        let (stamp, grants) = (stamp(&self.store.grants(name)), self.grants(name)?);
        let engine = Arc::new(self.host.load(name, &package, &grants).await?);
        if let ComponentSource::File(path) = source {
            self.keep_dropped_in(&engine, path, package).await;
        }
        let mut state = self.state();
        if state.ready.len() >= READY_MAX {
            state.ready.remove(0);
        }
        state.ready.push(ReadyEngine { engine: Arc::clone(&engine), grants: stamp });
        Ok(engine)
    }
}

/// Verifies the signature of a component from the directory when it is loaded.
fn check_signature(
    trust: &Trust,
    name: &str,
    package: &Package,
    source: &ComponentSource,
) -> Result<(), PluginError> {
    if matches!(source, ComponentSource::BuiltIn) {
        return Ok(());
    }
    let refused = |reason| PluginError::Incompatible {
        name: name.to_owned(),
        reason: format!("its signature: {reason}"),
    };
    package.verify(trust).map(drop).map_err(refused)
}

impl ReadyEngine {
    fn is(&self, name: &str, digest: &str) -> bool {
        self.engine.name() == name && self.engine.digest() == digest
    }
}

#[cfg(test)]
mod tests;
