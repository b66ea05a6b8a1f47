//! A guest that answers with boxes off the page.

use untxt_plugin_sdk::{Block, Description, Engine, Error, Line, Options, Page, PageText, Rect, Word};

struct Garbage;

impl Engine for Garbage {
    fn describe() -> Description {
        Description::new("garbage", env!("CARGO_PKG_VERSION"))
    }

    fn recognize(page: &Page, _options: &Options) -> Result<PageText, Error> {
        let info = page.info();
        let bounds = Some(Rect { x: info.width, y: info.height, width: u32::MAX, height: 1 });
        let words = vec![Word::new("nowhere", bounds)];
        Ok(PageText::simple(vec![Block::paragraph(bounds, vec![Line { bounds, words }])]))
    }
}

untxt_plugin_sdk::export!(Garbage);
