//! A rendered page as an engine gets it.

use untxt_plugins::{Described, Line, Page, PixelFormat, PluginError, Rect, Word};

use super::upright::{self, Upright};
use crate::documents::renderer::{Color, Pixels, RenderOptions, RenderedPage, TextLine, TextWord};

/// The page image that was asked for, else the one that the engine wants, else the
/// usual one. A resolution that was asked for comes before the size that the engine
/// wants.
#[must_use]
pub fn render_options(dpi: Option<u32>, color: bool, engine: &Described) -> RenderOptions {
    RenderOptions {
        dpi: dpi.or(engine.page_dpi).unwrap_or_else(|| RenderOptions::default().dpi),
        side_max: engine.page_side.filter(|_| dpi.is_none()),
        width_max: None,
        color: if color || engine.wants_color { Color::Rgb } else { Color::Gray },
    }
}

/// The page at `index` of `count`, with its pixels and its text layer, upright if the
/// engine wants that. What the engine then finds has to be turned back.
///
/// # Errors
/// When pixels and size do not agree.
pub fn page(
    mut rendered: RenderedPage,
    index: u32,
    count: u32,
    engine: &Described,
) -> Result<(Page, Option<Upright>), PluginError> {
    let upright = engine.wants_upright.then(|| upright::straighten(&mut rendered)).flatten();
    let (format, data) = match rendered.pixels {
        Pixels::Luma8(data) => (PixelFormat::Luma8, data),
        Pixels::Rgb8(data) => (PixelFormat::Rgb8, data),
    };
    let text_layer = rendered.text_layer.into_iter().map(line).collect();
    let size = (rendered.width, rendered.height);
    let page = Page::new(index, count, rendered.dpi, size, format, data, text_layer)?;
    Ok((page, upright))
}

fn line(line: TextLine) -> Line {
    Line { words: line.words.into_iter().map(word).collect(), ..Line::default() }
}

fn word(word: TextWord) -> Word {
    let bounds = Rect { x: word.left, y: word.top, width: word.width, height: word.height };
    Word { text: word.text, bounds: Some(bounds), ..Word::default() }
}
