//! How decoding processes are started.

use untxt_plugins::ChildProgram;

use crate::documents::limits::Limits;

/// How the child is started.
#[derive(Clone, Debug)]
pub struct RendererConfig {
    /// A program that ends up in [`super::child::main`].
    pub program: ChildProgram,
    /// What a document may cost.
    pub limits: Limits,
    /// Pages that are made at once, each by a child of its own: as many as there
    /// are cores, since a child does nothing but compute. At least 1.
    pub pages_at_once: usize,
}
