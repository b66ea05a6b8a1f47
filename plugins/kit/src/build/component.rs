//! Turns a core module into a component of the contract.

use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wit_component::ComponentEncoder;

use crate::failure::Failure;

/// The contract.
pub(super) const WIT: &str = include_str!("../../../wit/untxt-ocr@0.1.0/ocr.wit");

/// Encodes `module` as a component. Imports of WASI preview 1 are answered by an
/// adapter inside of the component.
pub(super) fn encoded(module: &[u8]) -> Result<Vec<u8>, Failure> {
    let encode = || {
        ComponentEncoder::default()
            .validate(true)
            .module(module)?
            .adapter(WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER)?
            .encode()
    };
    encode().map_err(|error| Failure::work(format!("the module can't be turned into a component: {error:#}")))
}
