//! `reader`: reads printed text of Latin script, with a small network that is part
//! of it. It does not look at the text that a page carries: the host takes that where
//! it covers the page, and elsewhere it may be no more than a stamp.
//!
//! Words have the likelihood that they are right, as it was measured on lines the
//! network had not seen. Of what it can't read it says nothing.
//!
//! The map: `print_reader` reads, `ink` finds the lines; `answer` brings what was
//! read into the contract's form.

mod answer;

use ink::print::Grey;
use print_reader::{Reader, Unread};
use untxt_plugin_sdk::layout::{Layout, LayoutEngine};
use untxt_plugin_sdk::{Description, Error, Options, Page, attributes, host, luma8, stop_if_cancelled};

/// A4 at 400 dpi. What is larger is scaled down.
const SIDE_MAX: u32 = 4_700;

/// Small print is legible at this resolution; a scan of less is not scaled up.
const PAGE_DPI: &str = "300";

/// Of a page of light print on dark paper, half of the pixels are darker than this.
const DARK_PAPER: u8 = 96;

/// Languages whose letters the network knows.
const LANGUAGES: [&str; 27] = [
    "en", "de", "fr", "es", "it", "pt", "nl", "da", "sv", "nb", "nn", "fi", "is", "ga", "ca", "eu", "gl",
    "pl", "cs", "sk", "hu", "hr", "sl", "ro", "tr", "et", "sq",
];

struct PrintEngine;

impl LayoutEngine for PrintEngine {
    fn describe() -> Description {
        Description {
            languages: LANGUAGES.map(str::to_owned).into(),
            attributes: attributes([("page-dpi", PAGE_DPI)]),
            ..Description::new("reader", env!("CARGO_PKG_VERSION"))
        }
    }

    fn recognize(page: &Page, _options: &Options) -> Result<Layout, Error> {
        let bitmap = luma8(page, SIDE_MAX)?;
        stop_if_cancelled()?;
        let Some(mut grey) = Grey::new(bitmap.width, bitmap.height, bitmap.data) else {
            return Err(Error::permanent("bad-image", "a picture without pixels"));
        };
        if grey.median() < DARK_PAPER {
            grey = grey.inverted();
        }
        host::progress(0.05, "pixels");
        let reader = Reader::built_in().map_err(broken)?;
        let read = print_reader::read(&reader, &grey, |done| {
            host::progress(0.05 + 0.95 * done, "lines");
            !host::cancelled()
        });
        match read {
            Ok(read) => Ok(answer::answer(&read, bitmap.scale, page.info())),
            Err(Unread::Stopped) => Err(Error::Cancelled),
            Err(Unread::Broken(reason)) => Err(broken(reason)),
        }
    }
}

fn broken(reason: String) -> Error {
    Error::permanent("broken-network", reason)
}

untxt_plugin_sdk::export_layout!(PrintEngine);
