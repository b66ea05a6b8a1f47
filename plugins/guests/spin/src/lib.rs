//! A guest that never answers and never asks whether anybody still waits.

use std::hint::black_box;

use untxt_plugin_sdk::{Description, Engine, Error, Options, Page, PageText};

struct Spin;

impl Engine for Spin {
    fn describe() -> Description {
        Description::new("spin", env!("CARGO_PKG_VERSION"))
    }

    fn recognize(_page: &Page, _options: &Options) -> Result<PageText, Error> {
        loop {
            black_box(());
        }
    }
}

untxt_plugin_sdk::export!(Spin);
