//! One result of an installation check.

use serde::Serialize;

/// What a check of an engine found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Name of the check.
    pub name: &'static str,
    /// What it found; empty when it failed.
    pub found: String,
    /// Why it failed.
    pub error: Option<String>,
}
