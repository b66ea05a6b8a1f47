//! Files that come with the engine, as its manifest names them.

use crate::{Failure, bindings};

/// Names of what is there.
pub fn names() -> Vec<String> {
    bindings::untxt::ocr::assets::names()
}

/// All of one file.
///
/// # Errors
/// `no-such-asset` when the engine was installed without it.
pub fn read(name: &str) -> Result<Vec<u8>, Failure> {
    bindings::untxt::ocr::assets::read(name)
}
