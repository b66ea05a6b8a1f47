//! A rendered page as an engine gets it.

use untxt_plugins::{Described, Line, Page, PixelFormat, PluginError, Rect, Word};

use crate::documents::renderer::{Color, Pixels, RenderOptions, RenderedPage, TextLine, TextWord};

/// The page image that was asked for, else the one that the engine wants, else the
/// usual one.
#[must_use]
pub fn render_options(dpi: Option<u32>, color: bool, engine: &Described) -> RenderOptions {
    RenderOptions {
        dpi: dpi.or(engine.page_dpi).unwrap_or_else(|| RenderOptions::default().dpi),
        color: if color || engine.wants_color { Color::Rgb } else { Color::Gray },
    }
}

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
    Line { words: line.words.into_iter().map(word).collect(), ..Line::default() }
}

fn word(word: TextWord) -> Word {
    let bounds = Rect { x: word.left, y: word.top, width: word.width, height: word.height };
    Word { text: word.text, bounds: Some(bounds), ..Word::default() }
}
