//! A guest that takes memory until it is given no more.

use std::hint::black_box;

use untxt_plugin_sdk::{Description, Engine, Error, Options, Page, PageText};

/// Bytes taken at a time.
const PIECE_BYTES: usize = 1 << 20;

struct Grow;

impl Engine for Grow {
    fn describe() -> Description {
        Description::new("grow", env!("CARGO_PKG_VERSION"))
    }

    fn recognize(_page: &Page, _options: &Options) -> Result<PageText, Error> {
        let mut held: Vec<Vec<u8>> = Vec::new();
        loop {
            held.push(vec![1; PIECE_BYTES]);
            black_box(&mut held);
        }
    }
}

untxt_plugin_sdk::export!(Grow);
