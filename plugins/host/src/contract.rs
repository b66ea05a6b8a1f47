//! The host's side of the contract, version 0.1.0, generated from its WIT: a world
//! with every interface, of which each engine imports what it needs.

use std::sync::Arc;

use crate::inference::Graph;
use crate::page::Page;

/// What a guest holds for a page.
#[derive(Debug)]
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct PageHandle(pub(crate) Arc<Page>);

/// What a guest holds for a model.
#[derive(Debug)]
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct GraphHandle(pub(crate) Graph);

wasmtime::component::bindgen!({
    path: "../wit/untxt-ocr@0.1.0",
    inline: "
        package untxt:host;
        world all-interfaces {
            include untxt:ocr/ocr-engine-http@0.1.0;
            include untxt:ocr/ocr-engine-models@0.1.0;
        }
    ",
    world: "all-interfaces",
    imports: {
        "untxt:ocr/http.send": async | trappable,
        "untxt:ocr/inference.load-by-name": async | trappable,
        "untxt:ocr/inference.[method]graph.compute": async | trappable,
        default: trappable,
    },
    exports: { default: async },
    with: {
        "untxt:ocr/pages.page": crate::contract::PageHandle,
        "untxt:ocr/inference.graph": crate::contract::GraphHandle,
    },
});

pub(crate) use AllInterfaces as OcrEngine;
pub(crate) use AllInterfacesPre as OcrEnginePre;
