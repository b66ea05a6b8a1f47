//! The text of measured ink: the boxes are found, the words are made up.

use text_layer::{around, on_page};
use untxt_plugin_sdk::{Block, Info, Line, Word};

use crate::Found;
use crate::syllables::word;

/// A block a paragraph of ink; none for a page without ink. `scale` is the page
/// pixels a pixel of the measured bitmap.
pub(crate) fn read(measured: Option<ink::Page>, scale: f32, page: Info) -> Found {
    let cut = measured.as_ref().is_some_and(|measured| measured.cut);
    let paragraphs = measured.map_or_else(Vec::new, |measured| measured.paragraphs);
    let blocks = paragraphs.iter().map(|lines| block(lines, scale, page)).collect();
    Found { blocks, text_source: "made-up", cut }
}

fn block(lines: &[ink::Line], scale: f32, page: Info) -> Block {
    let lines: Vec<Line> = lines.iter().map(|measured| line(measured, scale, page)).collect();
    Block::paragraph(around(lines.iter().map(|line| line.bounds)), lines)
}

fn line(measured: &ink::Line, scale: f32, page: Info) -> Line {
    let height = measured.bounds.height;
    let named = |ink: &ink::Word| {
        Word::new(word(ink.fingerprint, ink.bounds.width, height), on_page(ink.bounds, scale, page))
    };
    Line { bounds: on_page(measured.bounds, scale, page), words: measured.words.iter().map(named).collect() }
}
