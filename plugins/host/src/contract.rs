//! The host's side of the contract, version 0.1.0, generated from its WIT.

wasmtime::component::bindgen!({
    path: "../wit/untxt-ocr@0.1.0",
    world: "ocr-engine",
    imports: { default: trappable },
    exports: { default: async },
    with: { "untxt:ocr/pages.page": crate::call::PageHandle },
});
