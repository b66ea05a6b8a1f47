//! A guest that refuses every page for good.

use untxt_plugin_sdk::{Description, Engine, Error, Options, Page, PageText};

struct Refuse;

impl Engine for Refuse {
    fn describe() -> Description {
        Description::new("refuse", env!("CARGO_PKG_VERSION"))
    }

    fn recognize(_page: &Page, _options: &Options) -> Result<PageText, Error> {
        Err(Error::permanent("bad-image", "this engine refuses every page"))
    }
}

untxt_plugin_sdk::export!(Refuse);
