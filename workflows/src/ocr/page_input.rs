//! A rendered page as an engine gets it.

use untxt_plugins::{Line, Page, PixelFormat, PluginError, Rect, Word};

use crate::documents::renderer::{Pixels, RenderedPage, TextLine, TextWord};

/// The page at `index` of `count`, with its pixels and its text layer.
///
/// # Errors
/// When pixels and size do not agree.
pub fn page(rendered: RenderedPage, index: u32, count: u32) -> Result<Page, PluginError> {
    let (format, data) = match rendered.pixels {
        Pixels::Luma8(data) => (PixelFormat::Luma8, data),
        Pixels::Rgb8(data) => (PixelFormat::Rgb8, data),
    };
    let text_layer = rendered.text_layer.into_iter().map(line).collect();
    Page::new(index, count, rendered.dpi, (rendered.width, rendered.height), format, data, text_layer)
}

fn line(line: TextLine) -> Line {
    Line { bounds: None, words: line.words.into_iter().map(word).collect() }
}

fn word(word: TextWord) -> Word {
    let bounds = Rect { x: word.left, y: word.top, width: word.width, height: word.height };
    Word { text: word.text, bounds: Some(bounds), confidence: None }
}
