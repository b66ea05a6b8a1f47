//! A guest that panics on every page.

use untxt_plugin_sdk::{Description, Engine, Error, Options, Page, PageText};

struct Trap;

impl Engine for Trap {
    fn describe() -> Description {
        Description::new("trap", env!("CARGO_PKG_VERSION"))
    }

    fn recognize(_page: &Page, _options: &Options) -> Result<PageText, Error> {
        panic!("deliberate panic")
    }
}

untxt_plugin_sdk::export!(Trap);
