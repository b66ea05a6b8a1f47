//! What operators did: append-only, read newest first.

use serde_json::Value;

use crate::time::Timestamp;

/// One thing an operator did.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// Who, such as `cli:ann`; at most 128 bytes.
    pub actor: String,
    /// What was done, such as `redrive`; at most 64 bytes.
    pub action: String,
    /// What it was done to, such as `run 0195…`; at most 200 bytes.
    pub subject: String,
    /// Whatever else there is to say.
    pub detail: Value,
}

/// An entry and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditLine {
    /// Rises from entry to entry, with gaps.
    pub position: u64,
    /// The entry.
    pub entry: AuditEntry,
}
