//! Errors of engines. What the host observed takes precedence over what the engine
//! answers, and a trap is never taken for an answer.

use std::path::PathBuf;
use std::time::Duration;

use crate::check::Check;

/// What the caller should do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Nothing: the caller cancelled the call.
    Cancelled,
    /// Retry: the same call may succeed later.
    Retry {
        /// Not before this time has passed, as the engine asks.
        after: Option<Duration>,
    },
    /// Retry: a server that the engine calls failed or can't be reached.
    Transport,
    /// Retry once: a fresh instance may succeed.
    RetryOnce,
    /// Give up: the same call will fail again.
    Permanent,
    /// Wait without using up an attempt: the host is full, or the engine can't be
    /// used here now.
    Park,
}

/// What became of a model that the host computed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelFault {
    /// It exceeded the memory limit of models.
    #[error(
        "requested more memory than its process may have, {memory_bytes_max} bytes; `limits.model_memory_mib` allows more"
    )]
    Memory {
        /// The limit.
        memory_bytes_max: u64,
    },
    /// It was not ready when the call reached its time limit.
    #[error(
        "was not ready when the call's time was over; it had {after:?}, and `limits.wall_ms` allows more"
    )]
    Timeout {
        /// What it had.
        after: Duration,
    },
    /// Its process crashed.
    #[error("crashed: {reason}")]
    Crashed {
        /// The status of its process, and its last words.
        reason: String,
    },
}

/// Why there is no result.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PluginError {
    /// The sandbox could not be set up.
    #[error("can't set up the sandbox: {0}")]
    Sandbox(String),
    /// The length of the pixel data does not match the size.
    #[error("{bytes} bytes of pixels do not match a page of {width} x {height} pixels")]
    BadPage {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
        /// Length of the data.
        bytes: usize,
    },
    /// There is no engine of that name.
    #[error("there is no engine `{name}`: {dir} has no {name}.wasm, and it is not built in (known engines: {known})", dir = .dir.display())]
    NotFound {
        /// The name.
        name: String,
        /// The plugin directory.
        dir: PathBuf,
        /// The known names.
        known: String,
    },
    /// The pinned version is not kept any more.
    #[error("engine `{name}` with digest {digest} is missing from {dir}; install it again, or run the task with another engine", dir = .dir.display())]
    Gone {
        /// The name.
        name: String,
        /// SHA-256 it is pinned to.
        digest: String,
        /// The plugin directory.
        dir: PathBuf,
    },
    /// That version crashed or timed out too often.
    #[error(
        "engine `{name}` with digest {digest} is quarantined: {reason}; `untxt plugin activate {name}@sha256:{digest}` lifts it"
    )]
    Quarantined {
        /// The name.
        name: String,
        /// SHA-256 of its component.
        digest: String,
        /// Why.
        reason: String,
    },
    /// The active version can't be removed on its own.
    #[error(
        "engine `{name}` with digest {digest} is active; activate another version first, or remove `{name}` as a whole"
    )]
    Serving {
        /// The name.
        name: String,
        /// SHA-256 of its component.
        digest: String,
    },
    /// There is no earlier version to roll back to.
    #[error("engine `{name}` has no earlier version to activate; `untxt plugin list` shows its versions")]
    NothingEarlier {
        /// The name.
        name: String,
    },
    /// It failed an installation check.
    #[error("engine `{name}` failed the installation checks: {}", failed(checks))]
    Rejected {
        /// The name.
        name: String,
        /// The checks that ran; the last one failed.
        checks: Vec<Check>,
    },
    /// The package can't be read.
    #[error("{what}: {reason}")]
    Package {
        /// File or address.
        what: String,
        /// Why.
        reason: String,
    },
    /// A file of the plugin directory can't be changed.
    #[error("can't change {path}: {reason}; UNTXT_PLUGIN_DIR names the directory", path = .path.display())]
    Directory {
        /// File or folder.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The stored history of the engine can't be read, so it is unknown which versions
    /// are quarantined.
    #[error(
        "the stored state of engine `{name}` can't be read ({path}: {reason}); the engine is unavailable until \
         that file is repaired or `untxt plugin remove {name}` has removed the engine",
        path = .path.display()
    )]
    Unreadable {
        /// The name.
        name: String,
        /// Which file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The component can't be used.
    #[error("engine `{name}` can't be used: {reason}")]
    Incompatible {
        /// The name.
        name: String,
        /// What it was built for, or what is missing.
        reason: String,
    },
    /// All instances of the sandbox are in use.
    #[error("engine `{name}` is busy: all instances of the sandbox are in use")]
    Busy {
        /// The name.
        name: String,
    },
    /// The caller cancelled the call.
    #[error("engine `{name}` was cancelled")]
    Cancelled {
        /// The name.
        name: String,
    },
    /// It exceeded its time limit.
    #[error("engine `{name}` was stopped after {after:?}, its time limit")]
    Timeout {
        /// The name.
        name: String,
        /// Its limit.
        after: Duration,
        /// Its log.
        logs: Vec<String>,
    },
    /// It exceeded its memory limit.
    #[error("engine `{name}` requested {wanted_bytes} bytes of memory, and {memory_bytes_max} are allowed")]
    MemoryLimit {
        /// The name.
        name: String,
        /// Size of the last refused request.
        wanted_bytes: usize,
        /// Its limit.
        memory_bytes_max: usize,
        /// Its log.
        logs: Vec<String>,
    },
    /// A model that the host computed for it failed.
    #[error("model `{model}` of engine `{name}` {fault} (limits are in {name}.toml in the plugin directory)")]
    Model {
        /// The name of the engine.
        name: String,
        /// The name of the asset.
        model: String,
        /// What became of it.
        fault: ModelFault,
        /// The engine's log.
        logs: Vec<String>,
    },
    /// It used a capability that it was not granted.
    #[error("engine `{name}` lacks a capability: {what}; grants are in {name}.toml in the plugin directory")]
    CapabilityDenied {
        /// The name.
        name: String,
        /// Which.
        what: String,
        /// Its log.
        logs: Vec<String>,
    },
    /// It crashed.
    #[error("engine `{name}` crashed: {reason}")]
    Trapped {
        /// The name.
        name: String,
        /// The trap, and the panic message if it logged one.
        reason: String,
        /// Its log.
        logs: Vec<String>,
    },
    /// Its answer breaks the contract.
    #[error("engine `{name}` returned an invalid answer: {reason}")]
    InvalidOutput {
        /// The name.
        name: String,
        /// Which rule.
        reason: String,
        /// Its log.
        logs: Vec<String>,
    },
    /// It answered with an error.
    #[error("engine `{name}` says {code}: {message}")]
    Refused {
        /// The name.
        name: String,
        /// Made from the engine's code; see [`PluginError::code`].
        code: String,
        /// The engine's message, cut to a bound.
        message: String,
        /// Whether and when to retry.
        class: Class,
        /// Its log.
        logs: Vec<String>,
    },
}

impl PluginError {
    /// Stable code. An engine's own code `bad-image` becomes
    /// `ENGINE_BAD_IMAGE`; one that isn't kebab-case of at most 48 characters
    /// becomes `ENGINE_FAILED`.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Sandbox(_) => "ENGINE_SANDBOX",
            Self::BadPage { .. } => "ENGINE_BAD_PAGE",
            Self::NotFound { .. } => "ENGINE_NOT_FOUND",
            Self::Gone { .. } => "ENGINE_GONE",
            Self::Quarantined { .. } => "ENGINE_QUARANTINED",
            Self::Serving { .. } => "ENGINE_SERVING",
            Self::NothingEarlier { .. } => "ENGINE_NOTHING_EARLIER",
            Self::Rejected { .. } => "ENGINE_REJECTED",
            Self::Package { .. } => "ENGINE_PACKAGE",
            Self::Directory { .. } => "ENGINE_DIRECTORY",
            Self::Unreadable { .. } => "ENGINE_UNREADABLE",
            Self::Incompatible { .. } => "ENGINE_INCOMPATIBLE",
            Self::Busy { .. } => "ENGINE_BUSY",
            Self::Cancelled { .. } => "ENGINE_CANCELLED",
            Self::Timeout { .. } => "ENGINE_TIMEOUT",
            Self::MemoryLimit { .. } => "ENGINE_MEMORY_LIMIT",
            Self::Model { fault, .. } => match fault {
                ModelFault::Memory { .. } => "ENGINE_MODEL_MEMORY",
                ModelFault::Timeout { .. } => "ENGINE_MODEL_TIMEOUT",
                ModelFault::Crashed { .. } => "ENGINE_MODEL_CRASHED",
            },
            Self::CapabilityDenied { .. } => "ENGINE_CAPABILITY_DENIED",
            Self::Trapped { .. } => "ENGINE_TRAPPED",
            Self::InvalidOutput { .. } => "ENGINE_INVALID_OUTPUT",
            Self::Refused { code, .. } => code,
        }
    }

    /// What the caller should do about it.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Cancelled { .. } => Class::Cancelled,
            Self::Busy { .. }
            | Self::Incompatible { .. }
            | Self::Quarantined { .. }
            | Self::Unreadable { .. }
            | Self::Sandbox(_) => Class::Park,
            Self::Timeout { .. } | Self::Model { fault: ModelFault::Timeout { .. }, .. } => {
                Class::Retry { after: None }
            }
            Self::Trapped { .. } | Self::Model { fault: ModelFault::Crashed { .. }, .. } => Class::RetryOnce,
            Self::BadPage { .. }
            | Self::NotFound { .. }
            | Self::Gone { .. }
            | Self::Serving { .. }
            | Self::NothingEarlier { .. }
            | Self::Rejected { .. }
            | Self::Package { .. }
            | Self::Directory { .. }
            | Self::MemoryLimit { .. }
            | Self::Model { fault: ModelFault::Memory { .. }, .. }
            | Self::CapabilityDenied { .. }
            | Self::InvalidOutput { .. } => Class::Permanent,
            Self::Refused { class, .. } => *class,
        }
    }

    /// The engine's log of the call, including the message of a panic.
    #[must_use]
    pub fn logs(&self) -> &[String] {
        match self {
            Self::Timeout { logs, .. }
            | Self::MemoryLimit { logs, .. }
            | Self::Model { logs, .. }
            | Self::CapabilityDenied { logs, .. }
            | Self::Trapped { logs, .. }
            | Self::InvalidOutput { logs, .. }
            | Self::Refused { logs, .. } => logs,
            Self::Sandbox(_)
            | Self::BadPage { .. }
            | Self::NotFound { .. }
            | Self::Gone { .. }
            | Self::Quarantined { .. }
            | Self::Serving { .. }
            | Self::NothingEarlier { .. }
            | Self::Rejected { .. }
            | Self::Package { .. }
            | Self::Directory { .. }
            | Self::Unreadable { .. }
            | Self::Incompatible { .. }
            | Self::Busy { .. }
            | Self::Cancelled { .. } => &[],
        }
    }
}

fn failed(checks: &[Check]) -> String {
    let failed = checks.iter().filter_map(|check| Some(format!("{}: {}", check.name, check.error.as_ref()?)));
    failed.collect::<Vec<_>>().join("; ")
}

/// Length of an engine's own code.
const CODE_CHARS_MAX: usize = 48;

/// An engine's own code as ours.
pub(crate) fn refusal_code(own: &str) -> String {
    let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if own.is_empty() || own.len() > CODE_CHARS_MAX || !own.chars().all(kebab) {
        return "ENGINE_FAILED".to_owned();
    }
    format!("ENGINE_{}", own.replace('-', "_").to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_engines_are_tamed() {
        assert_eq!(refusal_code("bad-image"), "ENGINE_BAD_IMAGE");
        assert_eq!(refusal_code("Bad Image\n"), "ENGINE_FAILED");
        assert_eq!(refusal_code(""), "ENGINE_FAILED");
        assert_eq!(refusal_code(&"x".repeat(49)), "ENGINE_FAILED");
    }
}
