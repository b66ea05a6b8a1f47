//! `simulated-qwen3`: stands in for a model until there is one, and says so.
//!
//! A page that carries its text gives that text. Any other page is measured:
//! lines and words are boxes of ink that are really there, and each word is
//! made up of syllables drawn from its own pixels, so that the same ink reads
//! the same everywhere and other ink does not. It has no confidence in any of
//! it. Every result carries the attributes `simulated` = true and
//! `text-source` (`text-layer` or `made-up`).
//!
//! The map: `syllables` (a fingerprint as a word), `made_up` (the text of measured
//! ink). `text_layer` has the text a page carries.

mod made_up;
mod syllables;

use ink::Ink;
use untxt_plugin_sdk::{
    Block, Description, Engine, Error, Options, Page, PageText, attributes, host, luma8, stop_if_cancelled,
};

/// A4 at 190 dpi: gaps between words of small print are still two pixels, and
/// a page takes tens of milliseconds.
const SIDE_MAX: u32 = 2_200;

struct SimulatedQwen3;

/// What a way of reading yields.
struct Found {
    blocks: Vec<Block>,
    text_source: &'static str,
    /// Whether a bound was reached before the page's end.
    cut: bool,
}

impl Engine for SimulatedQwen3 {
    fn describe() -> Description {
        Description {
            attributes: attributes([("simulated", "true")]),
            ..Description::new("simulated-qwen3", env!("CARGO_PKG_VERSION"))
        }
    }

    fn recognize(page: &Page, _options: &Options) -> Result<PageText, Error> {
        let found = match text_layer::read(page.text_layer(), page.info()) {
            Some(layer) => Found { blocks: layer.blocks, text_source: "text-layer", cut: layer.cut },
            None => measure(page)?,
        };
        host::progress(1.0, found.text_source);
        Ok(answer(found))
    }
}

fn measure(page: &Page) -> Result<Found, Error> {
    let bitmap = luma8(page, SIDE_MAX)?;
    host::progress(0.2, "pixels");
    stop_if_cancelled()?;
    let ink = Ink::of(bitmap.width, bitmap.height, &bitmap.data);
    host::progress(0.5, "ink");
    stop_if_cancelled()?;
    let measured = ink.map(|ink| ink::Page::of(&ink));
    Ok(made_up::read(measured, bitmap.scale, page.info()))
}

fn answer(found: Found) -> PageText {
    let finish_reason = if found.cut { "length" } else { "stop" };
    PageText {
        attributes: attributes([
            ("confidence-kind", "none"),
            ("finish-reason", finish_reason),
            ("simulated", "true"),
            ("text-source", found.text_source),
        ]),
        ..PageText::simple(found.blocks)
    }
}

untxt_plugin_sdk::export!(SimulatedQwen3);
