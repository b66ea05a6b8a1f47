//! All that can go wrong with an engine. What the host saw for itself beats
//! what the engine says, and a trap is never taken for an answer.

use std::path::PathBuf;
use std::time::Duration;

use crate::check::Check;

/// What is to be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// It was asked to stop.
    Cancelled,
    /// The same call may succeed later.
    Retry {
        /// Not before, as the engine asks.
        after: Option<Duration>,
    },
    /// A server that the engine asks could not be reached, or failed: it may be
    /// back later.
    Transport,
    /// A fresh instance may do better once.
    RetryOnce,
    /// The same call will fail again.
    Permanent,
    /// It is not the page's doing: the host is full, or the engine can't be used
    /// here now. The page has to wait, and none of its attempts is used up.
    Park,
}

/// Why there is no result.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PluginError {
    /// The sandbox could not be set up.
    #[error("can't set up the sandbox: {0}")]
    Sandbox(String),
    /// The pixels do not fit the size.
    #[error("a page of {width} x {height} pixels can't have {bytes} bytes")]
    BadPage {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
        /// Length of the data.
        bytes: usize,
    },
    /// Nobody knows an engine of that name.
    #[error("there is no engine `{name}`; {dir} has no {name}.wasm and none of that name is built in (there are: {known})", dir = .dir.display())]
    NotFound {
        /// The name.
        name: String,
        /// Where it was looked for.
        dir: PathBuf,
        /// Names that are known.
        known: String,
    },
    /// The pinned component is not there any more.
    #[error("engine `{name}` with digest {digest} is gone from {dir}; put the component back, or run the task again with another engine", dir = .dir.display())]
    Gone {
        /// The name.
        name: String,
        /// SHA-256 it is pinned to.
        digest: String,
        /// Where it was looked for.
        dir: PathBuf,
    },
    /// That version crashed too often, or was slow too often.
    #[error(
        "engine `{name}` with digest {digest} is quarantined: {reason}; `untxt plugin activate {name}@sha256:{digest}` lifts it"
    )]
    Quarantined {
        /// The name.
        name: String,
        /// SHA-256 of its component.
        digest: String,
        /// What it did.
        reason: String,
    },
    /// The version that serves can't be taken away on its own.
    #[error(
        "engine `{name}` with digest {digest} is active; activate another version first, or remove `{name}` as a whole"
    )]
    Serving {
        /// The name.
        name: String,
        /// SHA-256 of its component.
        digest: String,
    },
    /// There is nothing to go back to.
    #[error("engine `{name}` has no earlier version that can serve; `untxt plugin list` shows what there is")]
    NothingEarlier {
        /// The name.
        name: String,
    },
    /// It did not pass the gate.
    #[error("engine `{name}` failed the installation checks: {}", failed(checks))]
    Rejected {
        /// The name.
        name: String,
        /// Everything that was looked at.
        checks: Vec<Check>,
    },
    /// What is to be installed can't be read.
    #[error("{what}: {reason}")]
    Package {
        /// File or address.
        what: String,
        /// Why.
        reason: String,
    },
    /// The plugin directory can't be changed.
    #[error("can't change {path}: {reason}; UNTXT_PLUGIN_DIR names the directory", path = .path.display())]
    Shelf {
        /// File or folder.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// What is kept about the engine can't be read, so nobody knows what is out of
    /// service.
    #[error(
        "what is kept about engine `{name}` can't be read ({path}: {reason}); the engine serves nobody until \
         that file is mended, or `untxt plugin remove {name}` has taken all of it away",
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
        /// What was built for what, or what is missing.
        reason: String,
    },
    /// All places are taken.
    #[error("engine `{name}` has to wait: all instances of the sandbox are in use")]
    Busy {
        /// The name.
        name: String,
    },
    /// The caller asked it to stop.
    #[error("engine `{name}` was stopped")]
    Cancelled {
        /// The name.
        name: String,
    },
    /// It ran too long.
    #[error("engine `{name}` was not done after {after:?} and was stopped")]
    Timeout {
        /// The name.
        name: String,
        /// Its limit.
        after: Duration,
        /// Its log.
        logs: Vec<String>,
    },
    /// It wanted more memory than it may have.
    #[error("engine `{name}` wanted {wanted_bytes} bytes of memory; {memory_bytes_max} are allowed")]
    MemoryLimit {
        /// The name.
        name: String,
        /// What it asked for last.
        wanted_bytes: usize,
        /// Its limit.
        memory_bytes_max: usize,
        /// Its log.
        logs: Vec<String>,
    },
    /// It asked for what it was not given.
    #[error("engine `{name}` lacks a capability: {what}; grants are in {name}.toml in the plugin directory")]
    CapabilityDenied {
        /// The name.
        name: String,
        /// What it asked for.
        what: String,
        /// Its log.
        logs: Vec<String>,
    },
    /// It crashed.
    #[error("engine `{name}` crashed: {reason}")]
    Trapped {
        /// The name.
        name: String,
        /// The trap, and the text of its panic when it left one.
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
    /// It answered that it can't, now or ever.
    #[error("engine `{name}` says {code}: {message}")]
    Refused {
        /// The name.
        name: String,
        /// Made from its own code; see [`PluginError::code`].
        code: String,
        /// Its own words, cut to a bound.
        message: String,
        /// Whether and when it may do better.
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
            Self::Shelf { .. } => "ENGINE_DIRECTORY",
            Self::Unreadable { .. } => "ENGINE_UNREADABLE",
            Self::Incompatible { .. } => "ENGINE_INCOMPATIBLE",
            Self::Busy { .. } => "ENGINE_BUSY",
            Self::Cancelled { .. } => "ENGINE_CANCELLED",
            Self::Timeout { .. } => "ENGINE_TIMEOUT",
            Self::MemoryLimit { .. } => "ENGINE_MEMORY_LIMIT",
            Self::CapabilityDenied { .. } => "ENGINE_CAPABILITY_DENIED",
            Self::Trapped { .. } => "ENGINE_TRAPPED",
            Self::InvalidOutput { .. } => "ENGINE_INVALID_OUTPUT",
            Self::Refused { code, .. } => code,
        }
    }

    /// What is to be done about it.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Cancelled { .. } => Class::Cancelled,
            Self::Busy { .. }
            | Self::Incompatible { .. }
            | Self::Quarantined { .. }
            | Self::Unreadable { .. }
            | Self::Sandbox(_) => Class::Park,
            Self::Timeout { .. } => Class::Retry { after: None },
            Self::Trapped { .. } => Class::RetryOnce,
            Self::BadPage { .. }
            | Self::NotFound { .. }
            | Self::Gone { .. }
            | Self::Serving { .. }
            | Self::NothingEarlier { .. }
            | Self::Rejected { .. }
            | Self::Package { .. }
            | Self::Shelf { .. }
            | Self::MemoryLimit { .. }
            | Self::CapabilityDenied { .. }
            | Self::InvalidOutput { .. } => Class::Permanent,
            Self::Refused { class, .. } => *class,
        }
    }

    /// The engine's log of the call, the text of its panic included.
    #[must_use]
    pub fn logs(&self) -> &[String] {
        match self {
            Self::Timeout { logs, .. }
            | Self::MemoryLimit { logs, .. }
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
            | Self::Shelf { .. }
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
