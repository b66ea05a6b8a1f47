//! The host's side of the contract, version 0.1.0, generated from its WIT: the
//! larger world, of which every engine imports what it needs.

use std::sync::Arc;

use crate::page::Page;

/// What a guest holds for a page.
#[derive(Debug)]
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct PageHandle(pub(crate) Arc<Page>);

wasmtime::component::bindgen!({
    path: "../wit/untxt-ocr@0.1.0",
    world: "ocr-engine-http",
    imports: {
        "untxt:ocr/http.send": async | trappable,
        default: trappable,
    },
    exports: { default: async },
    with: { "untxt:ocr/pages.page": crate::contract::PageHandle },
});

pub(crate) use OcrEngineHttp as OcrEngine;
pub(crate) use OcrEngineHttpPre as OcrEnginePre;
