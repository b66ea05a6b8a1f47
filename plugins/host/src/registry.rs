//! Finds engines. The directory is looked at on every question, so what is
//! dropped into it serves the very next task and what is taken out is gone.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use sha2::{Digest, Sha256};
use tokio::sync::Mutex;

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
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Digests of files, so that an unchanged file is not read again.
    digests: HashMap<PathBuf, (Stamp, String)>,
    /// By name and digest, oldest first.
    ready: Vec<Arc<Engine>>,
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
    /// built for what, [`PluginError::Sandbox`].
    pub async fn resolve(&self, name: &str) -> Result<Arc<Engine>, PluginError> {
        let mut state = self.state.lock().await;
        let found = self.find(name, &mut state).await?.ok_or_else(|| self.not_found(name))?;
        self.ready(name, found, &mut state).await
    }

    /// The engine `name` with that very component, as a run is pinned to it.
    ///
    /// # Errors
    /// [`PluginError::Gone`] when the name means another component by now, or
    /// none; else as [`Registry::resolve`].
    pub async fn by_digest(&self, name: &str, digest: &str) -> Result<Arc<Engine>, PluginError> {
        let gone =
            || PluginError::Gone { name: name.to_owned(), digest: digest.to_owned(), dir: self.dir.clone() };
        let mut state = self.state.lock().await;
        let engine = match self.find(name, &mut state).await? {
            Some(found) if found.digest == digest => self.ready(name, found, &mut state).await?,
            // A file of the built-in's name does not take the built-in away from
            // runs that began on it.
            _ if name == BUILT_IN && digest == built_in_digest() => {
                let found = Found { digest: digest.to_owned(), source: Source::BuiltIn };
                self.ready(name, found, &mut state).await?
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
        let mut state = self.state.lock().await;
        let empty = |error: Option<String>| Listed {
            name: name.clone(),
            digest: String::new(),
            version: String::new(),
            built_in: false,
            error,
        };
        let found = match self.find(&name, &mut state).await {
            Ok(Some(found)) => found,
            Ok(None) => return empty(Some("it has just been removed".to_owned())),
            Err(error) => return empty(Some(error.to_string())),
        };
        let built_in = matches!(found.source, Source::BuiltIn);
        let digest = found.digest.clone();
        match self.ready(&name, found, &mut state).await {
            Ok(engine) => Listed { digest, version: engine.version().to_owned(), built_in, ..empty(None) },
            Err(error) => Listed { digest, built_in, ..empty(Some(error.to_string())) },
        }
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

    async fn find(&self, name: &str, state: &mut State) -> Result<Option<Found>, PluginError> {
        if !is_name(name) {
            return Ok(None);
        }
        let path = self.dir.join(format!("{name}.wasm"));
        match stamp(&path) {
            Some(now) => {
                let known = state
                    .digests
                    .get(&path)
                    .filter(|(then, _)| *then == now)
                    .map(|(_, digest)| digest.clone());
                let digest = match known {
                    Some(digest) => digest,
                    None => hex::encode(Sha256::digest(self.read(name, &path).await?)),
                };
                state.digests.insert(path.clone(), (now, digest.clone()));
                Ok(Some(Found { digest, source: Source::File(path) }))
            }
            None if name == BUILT_IN => {
                Ok(Some(Found { digest: built_in_digest(), source: Source::BuiltIn }))
            }
            None => Ok(None),
        }
    }

    async fn ready(&self, name: &str, found: Found, state: &mut State) -> Result<Arc<Engine>, PluginError> {
        let known =
            state.ready.iter().find(|engine| engine.name() == name && engine.digest() == found.digest);
        if let Some(engine) = known {
            return Ok(Arc::clone(engine));
        }
        let wasm = match &found.source {
            Source::BuiltIn => BUILT_IN_COMPONENT.to_vec(),
            Source::File(path) => self.read(name, path).await?,
        };
        // The file may have changed since it was found: what is run is what the
        // digest says.
        let digest = hex::encode(Sha256::digest(&wasm));
        let engine = Arc::new(self.host.admit(name, digest, wasm).await?);
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

fn built_in_digest() -> String {
    hex::encode(Sha256::digest(BUILT_IN_COMPONENT))
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
