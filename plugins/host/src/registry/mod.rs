//! Finds engines. The directory is looked at on every question, so what is
//! dropped into it or activated serves the very next task, in every process
//! that looks there; what a run began with stays for it.

mod breaker;
mod find;
mod list;
mod operate;
pub mod reference;
mod shelf;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Mutex as Gate;
use tokio_util::sync::CancellationToken;

pub use list::{Listed, ListedVersion};
pub use operate::Installed;
pub use reference::Reference;

use crate::engine::Engine;
use crate::error::PluginError;
use crate::host::{Host, Options, Recognized};
use crate::package::Package;
use crate::page::Page;
use crate::signature::Trust;
use breaker::Breaker;
use find::{Found, Source, Stamp, stamp};
use operate::blocking;
use shelf::Shelf;

/// The engine that is always there.
pub const BUILT_IN: &str = "simulated-qwen3";

const BUILT_IN_COMPONENT: &[u8] = include_bytes!("../../../guests/built/simulated-qwen3.wasm");

/// Engines that are kept ready: the newest of each name, and those of runs that
/// are under way.
const READY_MAX: usize = 32;

/// Looks engines up in a directory and among the built-in ones.
pub struct Registry {
    host: Arc<Host>,
    shelf: Shelf,
    trust: Trust,
    breaker: Breaker,
    /// Never held while something is read or compiled.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Digests of files, so that an unchanged file is not read again.
    digests: HashMap<PathBuf, (Stamp, String)>,
    /// By name and digest, oldest first.
    ready: Vec<Ready>,
    /// A name is read and compiled once however many ask for it, and nobody
    /// waits for another name. Only names that are being asked for are here.
    gates: HashMap<String, Arc<Gate<()>>>,
}

/// An engine, and the operator's file it was made ready under.
struct Ready {
    engine: Arc<Engine>,
    grants: Option<Stamp>,
}

impl Registry {
    /// A registry over `dir`, which need not be there yet.
    #[must_use]
    pub fn open(host: Arc<Host>, dir: PathBuf) -> Self {
        let (shelf, breaker) = (Shelf { dir }, Breaker::default());
        Self { host, shelf, trust: Trust::default(), breaker, state: Mutex::default() }
    }

    /// The same, with whom the operator believes. It counts for everything that
    /// is loaded or installed, but not for what came with the program.
    #[must_use]
    pub fn trusting(self, trust: Trust) -> Self {
        Self { trust, ..self }
    }

    /// The engine that `text` means now: `<dir>/<name>.wasm`, else the built-in
    /// one; with `@sha256:…` behind the name that very version of it.
    ///
    /// # Errors
    /// [`PluginError::NotFound`], [`PluginError::Gone`] for a version that is
    /// not kept, [`PluginError::Quarantined`], [`PluginError::Incompatible`] with
    /// what was built for what, [`PluginError::Busy`] when a new engine can't be
    /// looked at now, [`PluginError::Sandbox`].
    pub async fn resolve(&self, text: &str) -> Result<Arc<Engine>, PluginError> {
        let Ok(Reference { name, digest }) = text.parse() else { return Err(self.not_found(text)) };
        if let Some(digest) = digest {
            let digest = self.whole(&name, &digest);
            return self.by_digest(&name, &digest).await;
        }
        let gate = self.gate(&name);
        let _alone = gate.lock().await;
        let found = self.find(&name).await?.ok_or_else(|| self.not_found(&name))?;
        self.refuse_quarantined(&name, &found.digest).await?;
        self.ready(&name, found).await
    }

    /// The engine `name` with that very component, as a run is pinned to it,
    /// whether or not the name still means it.
    ///
    /// # Errors
    /// [`PluginError::Gone`] when that component is not kept any more; else as
    /// [`Registry::resolve`].
    pub async fn by_digest(&self, name: &str, digest: &str) -> Result<Arc<Engine>, PluginError> {
        let gate = self.gate(name);
        let _alone = gate.lock().await;
        let found = self.find_version(name, digest).await?.ok_or_else(|| self.gone(name, digest))?;
        self.refuse_quarantined(name, digest).await?;
        let engine = self.ready(name, found).await?;
        // The file may have been replaced between the look and the load.
        if engine.digest() == digest { Ok(engine) } else { Err(self.gone(name, digest)) }
    }

    /// What runs the engines.
    #[must_use]
    pub fn host(&self) -> &Arc<Host> {
        &self.host
    }

    /// Gives `page` to `engine`; see [`Host::recognize`]. A version with too many
    /// crashes and time-outs in a row is quarantined: pages wait that are pinned
    /// to it, and the version that served before it serves those who name none.
    ///
    /// # Errors
    /// As [`Host::recognize`].
    pub async fn recognize(
        &self,
        engine: &Arc<Engine>,
        page: Arc<Page>,
        options: Options,
        cancel: CancellationToken,
    ) -> Result<Recognized, PluginError> {
        let outcome = self.host.recognize(engine, page, options, cancel).await;
        if let Some(reason) = self.breaker.heard(engine, &outcome) {
            self.take_out(engine, &reason).await;
        }
        outcome
    }

    async fn take_out(&self, engine: &Engine, reason: &str) {
        let (name, digest) = (engine.name(), engine.digest());
        match self.quarantine(name, digest, reason).await {
            Ok(Some(now)) => tracing::error!(
                name,
                digest,
                reason,
                now,
                "an engine is out of service; the version before it serves"
            ),
            Ok(None) => tracing::error!(name, digest, reason, "engine quarantined"),
            Err(error) => {
                tracing::error!(name, digest, reason, %error, "can't quarantine an engine")
            }
        }
    }

    async fn refuse_quarantined(&self, name: &str, digest: &str) -> Result<(), PluginError> {
        let (shelf, key) = (self.shelf.clone(), name.to_owned());
        let mut record = blocking(move || shelf.record(&key)).await?;
        match record.quarantined.remove(digest) {
            None => Ok(()),
            Some(reason) => {
                let (name, digest) = (name.to_owned(), digest.to_owned());
                Err(PluginError::Quarantined { name, digest, reason })
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No panic leaves it half written.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn gate(&self, name: &str) -> Arc<Gate<()>> {
        let mut state = self.state();
        state.gates.retain(|_, gate| Arc::strong_count(gate) > 1);
        Arc::clone(state.gates.entry(name.to_owned()).or_default())
    }

    fn not_found(&self, name: &str) -> PluginError {
        let mut known = self.shelf.names();
        known.insert(BUILT_IN.to_owned());
        let known: Vec<String> = known.into_iter().collect();
        // What a client sent is repeated only in part.
        let name = name.chars().filter(|c| !c.is_control()).take(64).collect();
        PluginError::NotFound { name, dir: self.shelf.dir.clone(), known: known.join(", ") }
    }

    fn gone(&self, name: &str, digest: &str) -> PluginError {
        let (name, digest) = (name.to_owned(), digest.to_owned());
        PluginError::Gone { name, digest, dir: self.shelf.dir.clone() }
    }

    fn known_engine(&self, name: &str, digest: &str) -> Option<Arc<Engine>> {
        let grants = stamp(&self.shelf.grants(name));
        let mut state = self.state();
        state.ready.retain(|ready| ready.engine.name() != name || ready.grants == grants);
        let ready = state.ready.iter().find(|ready| ready.is(name, digest))?;
        Some(Arc::clone(&ready.engine))
    }

    async fn ready(&self, name: &str, found: Found) -> Result<Arc<Engine>, PluginError> {
        if let Some(engine) = self.known_engine(name, &found.digest) {
            return Ok(engine);
        }
        let wasm = match &found.source {
            Source::BuiltIn => BUILT_IN_COMPONENT.to_vec(),
            Source::File(path) => self.read(name, path).await?,
        };
        // The file may have changed since it was found: what is run is what the
        // digest says.
        let (shelf, trust, key) = (self.shelf.clone(), self.trust.clone(), name.to_owned());
        let (package, source) = blocking(move || {
            let package = shelf.package(&key, wasm, &found.source)?;
            vouched(&trust, &key, &package, &found.source)?;
            Ok((package, found.source))
        })
        .await?;
        let (stamp, grants) = (stamp(&self.shelf.grants(name)), self.grants(name)?);
        let engine = Arc::new(self.host.admit(name, &package, &grants).await?);
        if let Source::File(path) = source {
            self.adopt(&engine, path, package).await;
        }
        let mut state = self.state();
        if state.ready.len() >= READY_MAX {
            state.ready.remove(0);
        }
        state.ready.push(Ready { engine: Arc::clone(&engine), grants: stamp });
        Ok(engine)
    }
}

/// Whatever lies in the directory is looked at again when it is loaded.
fn vouched(trust: &Trust, name: &str, package: &Package, source: &Source) -> Result<(), PluginError> {
    if matches!(source, Source::BuiltIn) {
        return Ok(());
    }
    let refused = |reason| PluginError::Incompatible {
        name: name.to_owned(),
        reason: format!("its signature: {reason}"),
    };
    package.verify(trust).map(drop).map_err(refused)
}

impl Ready {
    fn is(&self, name: &str, digest: &str) -> bool {
        self.engine.name() == name && self.engine.digest() == digest
    }
}

#[cfg(test)]
mod tests;
