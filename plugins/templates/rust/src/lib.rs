//! Says how much of the page is ink. Replace `recognize` by something that reads. An
//! engine that knows corners of turned text or cells of tables implements
//! `untxt_plugin_sdk::layout::LayoutEngine` in place of `Engine`.

use untxt_plugin_sdk::{
    Block, Description, Engine, Error, Line, Options, Page, PageText, Word, host, luma8, stop_if_cancelled,
};

struct NewEngine;

impl Engine for NewEngine {
    fn describe() -> Description {
        Description::new("NAME", env!("CARGO_PKG_VERSION"))
    }

    fn recognize(page: &Page, _options: &Options) -> Result<PageText, Error> {
        let bitmap = luma8(page, 1_000)?;
        stop_if_cancelled()?;
        let dark = bitmap.data.iter().filter(|value| **value < 128).count();
        let percent = dark * 100 / bitmap.data.len();
        host::log(host::Level::Info, &format!("{dark} of {} pixels are dark", bitmap.data.len()));
        let words = vec![Word::new("ink:", None), Word::new(format!("{percent}%"), None)];
        Ok(PageText::simple(vec![Block::paragraph(None, vec![Line { bounds: None, words }])]))
    }
}

untxt_plugin_sdk::export!(NewEngine);
