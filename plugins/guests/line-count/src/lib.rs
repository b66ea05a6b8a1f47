//! A guest that says how many lines a page has, and nothing else.

use ink::Ink;
use untxt_plugin_sdk::{
    Block, Description, Engine, Error, Line, Options, Page, PageText, Word, luma8, stop_if_cancelled,
};

/// A4 at 190 dpi: lines of small print are still apart.
const SIDE_MAX: u32 = 2_200;

struct LineCount;

impl Engine for LineCount {
    fn describe() -> Description {
        Description::new("line-count", env!("CARGO_PKG_VERSION"))
    }

    fn recognize(page: &Page, _options: &Options) -> Result<PageText, Error> {
        let count = match page.text_layer().len() {
            0 => measured(page)?,
            lines => lines,
        };
        let words = vec![Word::new("lines:", None), Word::new(count.to_string(), None)];
        Ok(PageText::simple(vec![Block::paragraph(None, vec![Line { bounds: None, words }])]))
    }
}

fn measured(page: &Page) -> Result<usize, Error> {
    let bitmap = luma8(page, SIDE_MAX)?;
    stop_if_cancelled()?;
    let ink = Ink::of(bitmap.width, bitmap.height, &bitmap.data);
    Ok(ink.map_or(0, |ink| ink::Page::of(&ink).line_count()))
}

untxt_plugin_sdk::export!(LineCount);
