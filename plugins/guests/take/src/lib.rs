//! A guest that takes all pixels of a page and looks at none of them: what is
//! left of a call's time is the host's.

use untxt_plugin_sdk::{Description, Engine, Error, Options, Page, PageText, luma8};

struct Take;

impl Engine for Take {
    fn describe() -> Description {
        Description::new("take", env!("CARGO_PKG_VERSION"))
    }

    fn recognize(page: &Page, _options: &Options) -> Result<PageText, Error> {
        luma8(page, 0)?;
        Ok(PageText::simple(Vec::new()))
    }
}

untxt_plugin_sdk::export!(Take);
