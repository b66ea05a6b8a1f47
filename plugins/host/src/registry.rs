//! Finds engines. The directory is looked at on every question, so what is
//! dropped into it serves the very next task and what is taken out is gone.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use sha2::{Digest, Sha256};
use tokio::sync::Mutex as Gate;

use crate::error::PluginError;
use crate::host::{Engine, Host};

/// The engine that is always there.
pub const BUILT_IN: &str = "simulated-qwen3";

const BUILT_IN_COMPONENT: &[u8] = include_bytes!("../../guests/built/simulated-qwen3.wasm");

/// Engines that are kept ready: the newest of each name, and those of runs that
/// are under way.
const READY_MAX: usize = 32;

/// Looks engines up in a directory and among the built-in ones.
pub struct Registry {
    host: Arc<Host>,
    dir: PathBuf,
    /// Never held while something is read or compiled.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Digests of files, so that an unchanged file is not read again.
    digests: HashMap<PathBuf, (Stamp, String)>,
    /// By name and digest, oldest first.
    ready: Vec<Arc<Engine>>,
    /// A name is read and compiled once however many ask for it, and nobody
    /// waits for another name. Only names that are being asked for are here.
    gates: HashMap<String, Arc<Gate<()>>>,
}

/// Changes when a file does.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    bytes: u64,
    #[cfg(unix)]
    inode: (u64, i64),
}

/// An engine as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The name it is asked for by.
    pub name: String,
    /// SHA-256 of its component, hexadecimal; empty when the file can't be read.
    pub digest: String,
    /// The version it says it is; empty when it can't be used.
    pub version: String,
    /// Whether it came with the program.
    pub built_in: bool,
    /// Why it can't be used.
    pub error: Option<String>,
}

/// A component's bytes and where they are from.
struct Found {
    digest: String,
    source: Source,
}

enum Source {
    BuiltIn,
    File(PathBuf),
}

impl Registry {
    /// A registry over `dir`, which need not be there yet.
    #[must_use]
    pub fn open(host: Arc<Host>, dir: PathBuf) -> Self {
        Self { host, dir, state: Mutex::default() }
    }

    /// The engine that `name` means now: `<dir>/<name>.wasm`, else the built-in
    /// one.
    ///
    /// # Errors
    /// [`PluginError::NotFound`], [`PluginError::Incompatible`] with what was
    /// built for what, [`PluginError::Busy`] when a new engine can't be looked at
    /// now, [`PluginError::Sandbox`].
    pub async fn resolve(&self, name: &str) -> Result<Arc<Engine>, PluginError> {
        let gate = self.gate(name);
        let _alone = gate.lock().await;
        let found = self.find(name).await?.ok_or_else(|| self.not_found(name))?;
        self.ready(name, found).await
    }

    /// The engine `name` with that very component, as a run is pinned to it.
    ///
    /// # Errors
    /// [`PluginError::Gone`] when the name means another component by now, or
    /// none; else as [`Registry::resolve`].
    pub async fn by_digest(&self, name: &str, digest: &str) -> Result<Arc<Engine>, PluginError> {
        let gone =
            || PluginError::Gone { name: name.to_owned(), digest: digest.to_owned(), dir: self.dir.clone() };
        let gate = self.gate(name);
        let _alone = gate.lock().await;
        let engine = match self.find(name).await? {
            Some(found) if found.digest == digest => self.ready(name, found).await?,
            // A file of the built-in's name does not take the built-in away from
            // runs that began on it.
            _ if name == BUILT_IN && digest == built_in_digest() => {
                let found = Found { digest: digest.to_owned(), source: Source::BuiltIn };
                self.ready(name, found).await?
            }
            _ => return Err(gone()),
        };
        // The file may have been replaced between the look and the load.
        if engine.digest() == digest { Ok(engine) } else { Err(gone()) }
    }

    /// All engines by name, those that can't be used with the reason.
    pub async fn list(&self) -> Vec<Listed> {
        let mut listed = Vec::new();
        for name in self.names() {
            listed.push(self.listed(name).await);
        }
        listed
    }

    async fn listed(&self, name: String) -> Listed {
        let gate = self.gate(&name);
        let _alone = gate.lock().await;
        let empty = |error: Option<String>| Listed {
            name: name.clone(),
            digest: String::new(),
            version: String::new(),
            built_in: false,
            error,
        };
        let found = match self.find(&name).await {
            Ok(Some(found)) => found,
            Ok(None) => return empty(Some("it has just been removed".to_owned())),
            Err(error) => return empty(Some(error.to_string())),
        };
        let built_in = matches!(found.source, Source::BuiltIn);
        let digest = found.digest.clone();
        match self.ready(&name, found).await {
            Ok(engine) => Listed { digest, version: engine.version().to_owned(), built_in, ..empty(None) },
            Err(error) => Listed { digest, built_in, ..empty(Some(error.to_string())) },
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

    fn names(&self) -> BTreeSet<String> {
        let files = std::fs::read_dir(&self.dir).into_iter().flatten().filter_map(Result::ok);
        let stems =
            files.filter_map(|file| Some(file.file_name().to_str()?.strip_suffix(".wasm")?.to_owned()));
        stems.filter(|name| is_name(name)).chain([BUILT_IN.to_owned()]).collect()
    }

    fn not_found(&self, name: &str) -> PluginError {
        let known: Vec<String> = self.names().into_iter().collect();
        // What a client sent is repeated only in part.
        let name = name.chars().filter(|c| !c.is_control()).take(64).collect();
        PluginError::NotFound { name, dir: self.dir.clone(), known: known.join(", ") }
    }

    async fn find(&self, name: &str) -> Result<Option<Found>, PluginError> {
        if !is_name(name) {
            return Ok(None);
        }
        let path = self.dir.join(format!("{name}.wasm"));
        match stamp(&path) {
            Some(now) => {
                let digest = match self.known_digest(&path, now) {
                    Some(digest) => digest,
                    None => hex::encode(Sha256::digest(self.read(name, &path).await?)),
                };
                self.state().digests.insert(path.clone(), (now, digest.clone()));
                Ok(Some(Found { digest, source: Source::File(path) }))
            }
            None => {
                self.state().digests.remove(&path);
                let built_in = || Found { digest: built_in_digest(), source: Source::BuiltIn };
                Ok((name == BUILT_IN).then(built_in))
            }
        }
    }

    fn known_digest(&self, path: &Path, now: Stamp) -> Option<String> {
        let state = self.state();
        let (then, digest) = state.digests.get(path)?;
        (*then == now).then(|| digest.clone())
    }

    fn known_engine(&self, name: &str, digest: &str) -> Option<Arc<Engine>> {
        let state = self.state();
        state.ready.iter().find(|engine| engine.name() == name && engine.digest() == digest).cloned()
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
        let digest = hex::encode(Sha256::digest(&wasm));
        let engine = Arc::new(self.host.admit(name, digest, wasm).await?);
        let mut state = self.state();
        if state.ready.len() >= READY_MAX {
            state.ready.remove(0);
        }
        state.ready.push(Arc::clone(&engine));
        Ok(engine)
    }

    async fn read(&self, name: &str, path: &Path) -> Result<Vec<u8>, PluginError> {
        let incompatible = |reason: String| PluginError::Incompatible { name: name.to_owned(), reason };
        let bytes_max = self.host.limits.component_bytes_max;
        let bytes = stamp(path).map_or(0, |stamp| stamp.bytes);
        if bytes > bytes_max {
            return Err(incompatible(format!(
                "{} has {bytes} bytes; {bytes_max} are allowed",
                path.display()
            )));
        }
        tokio::fs::read(path).await.map_err(|error| incompatible(format!("{}: {error}", path.display())))
    }
}

/// It is asked for with every page, and never changes.
fn built_in_digest() -> String {
    static DIGEST: LazyLock<String> = LazyLock::new(|| hex::encode(Sha256::digest(BUILT_IN_COMPONENT)));
    DIGEST.clone()
}

/// Names are file names: lower-case letters, digits and hyphens, at most 64.
fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !name.is_empty() && name.len() <= 64 && name.chars().all(plain)
}

fn stamp(path: &Path) -> Option<Stamp> {
    let meta = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
    #[cfg(unix)]
    let inode = {
        use std::os::unix::fs::MetadataExt;
        (meta.ino(), meta.ctime_nsec() ^ (meta.ctime() << 30))
    };
    Some(Stamp {
        modified: meta.modified().ok(),
        bytes: meta.len(),
        #[cfg(unix)]
        inode,
    })
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::task::Poll;

    use super::*;
    use crate::host::HostConfig;
    use crate::limits::Limits;

    #[tokio::test]
    async fn one_name_is_prepared_while_another_goes_on() {
        let dir = tempfile::tempdir().expect("a folder");
        let config =
            HostConfig { cache_dir: dir.path().join("cache"), concurrency: 1, limits: Limits::default() };
        let host = Arc::new(Host::new(&config).expect("a sandbox"));
        let registry = Registry::open(host, dir.path().join("engines"));
        let gate = registry.gate("other");
        let preparing = gate.lock().await;
        let mut waiting = pin!(registry.resolve("other"));
        let polled = poll_fn(|context| Poll::Ready(waiting.as_mut().poll(context))).await;
        assert!(polled.is_pending(), "the same name waits");
        registry.resolve(BUILT_IN).await.expect("another name does not wait");
        drop(preparing);
        assert_eq!(waiting.await.err().expect("there is no such engine").code(), "ENGINE_NOT_FOUND");
        drop(gate);
        registry.gate("third");
        assert_eq!(registry.state().gates.len(), 1, "names nobody asks for are forgotten");
    }
}
