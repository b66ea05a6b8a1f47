//! Engines that are part of the program.

use std::sync::LazyLock;

use sha2::{Digest, Sha256};

/// Reads printed text of Latin script.
pub const READER: &str = "reader";

/// Stands in for a model, and says so.
pub const SIMULATED: &str = "simulated-qwen3";

/// Names of the built-in engines.
pub const BUILT_INS: [&str; 2] = [READER, SIMULATED];

/// The component of a built-in engine.
pub(super) fn component(name: &str) -> Option<&'static [u8]> {
    match name {
        READER => Some(include_bytes!("../../../guests/built/reader.wasm")),
        SIMULATED => Some(include_bytes!("../../../guests/built/simulated-qwen3.wasm")),
        _ => None,
    }
}

/// The SHA-256 of a built-in engine's component, hexadecimal. Each is computed once:
/// it is needed for every page and never changes.
pub(super) fn digest(name: &str) -> Option<String> {
    static READER_DIGEST: LazyLock<String> = LazyLock::new(|| sha256(READER));
    static SIMULATED_DIGEST: LazyLock<String> = LazyLock::new(|| sha256(SIMULATED));
    match name {
        READER => Some(READER_DIGEST.clone()),
        SIMULATED => Some(SIMULATED_DIGEST.clone()),
        _ => None,
    }
}

fn sha256(name: &str) -> String {
    component(name).map(|wasm| hex::encode(Sha256::digest(wasm))).unwrap_or_default()
}
