//! Who asks for something, and why.

/// Who asks, and why; it stands in the letters, the history and the audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// Such as `cli:ann`.
    pub by: String,
    /// In their words; may be empty.
    pub reason: String,
}
