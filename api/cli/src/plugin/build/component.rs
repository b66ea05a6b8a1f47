//! From a core module to a component, as the contract has it.

use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wit_component::ComponentEncoder;

use crate::failure::Failure;

/// The contract that the program was built with.
pub(super) const WIT: &str = include_str!("../../../../../plugins/wit/untxt-ocr@0.1.0/ocr.wit");

/// What a module from a C library imports is answered inside the component, as
/// far as that needs no system.
pub(super) fn encoded(module: &[u8]) -> Result<Vec<u8>, Failure> {
    let encode = || {
        ComponentEncoder::default()
            .validate(true)
            .module(module)?
            .adapter(WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER)?
            .encode()
    };
    encode().map_err(|error| Failure::work(format!("the module can't be made a component: {error:#}")))
}
