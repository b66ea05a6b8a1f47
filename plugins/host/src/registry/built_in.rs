//! Engines that are part of the program.

use std::sync::OnceLock;

use sha2::{Digest, Sha256};

/// Reads printed text of Latin script.
pub const READER: &str = "reader";

/// Stands in for a model, and says so.
pub const SIMULATED: &str = "simulated-qwen3";

static ALL: [BuiltIn; 2] = [
    BuiltIn::new(
        READER,
        "Reads printed text in Latin script.",
        include_bytes!("../../../guests/built/reader.wasm"),
    ),
    BuiltIn::new(
        SIMULATED,
        "Makes up text, for trying the service out.",
        include_bytes!("../../../guests/built/simulated-qwen3.wasm"),
    ),
];

/// An engine that is part of the program.
struct BuiltIn {
    name: &'static str,
    /// What it is for, for people.
    about: &'static str,
    component: &'static [u8],
    /// Computed once: it is needed for every page and never changes.
    digest: OnceLock<String>,
}

impl BuiltIn {
    const fn new(name: &'static str, about: &'static str, component: &'static [u8]) -> Self {
        Self { name, about, component, digest: OnceLock::new() }
    }
}

/// Names of the built-in engines.
pub fn built_ins() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|engine| engine.name)
}

/// What a built-in engine is for.
pub(super) fn about(name: &str) -> Option<&'static str> {
    find(name).map(|engine| engine.about)
}

/// The component of a built-in engine.
pub(super) fn component(name: &str) -> Option<&'static [u8]> {
    find(name).map(|engine| engine.component)
}

/// The SHA-256 of a built-in engine's component, hexadecimal.
pub(super) fn digest(name: &str) -> Option<String> {
    let engine = find(name)?;
    Some(engine.digest.get_or_init(|| hex::encode(Sha256::digest(engine.component))).clone())
}

fn find(name: &str) -> Option<&'static BuiltIn> {
    ALL.iter().find(|engine| engine.name == name)
}
