//! What a host needs to know when it starts.

use std::path::PathBuf;

use crate::child_process::ChildProgram;
use crate::limits::EngineLimits;

/// Settings of a host.
#[derive(Clone, Debug)]
pub struct HostConfig {
    /// Where compiled engines are kept; created if it is missing.
    pub cache_dir: PathBuf,
    /// Calls at once.
    pub concurrency: usize,
    /// Bounds of every call.
    pub limits: EngineLimits,
    /// Whether to count what guests execute, which costs them about a quarter of
    /// their speed.
    pub metered: bool,
    /// A program that ends up in [`crate::inference::child::main`]; without one, no
    /// engine can use models.
    pub models: Option<ChildProgram>,
}
