//! A guest that does harm as far as it can; its setting `way` says how.

use std::hint::black_box;

use serde::Deserialize;
use untxt_plugin_sdk::{
    Block, Description, Engine, Error, ImageEncoding, Line, Options, Page, PageText, PixelFormat, Rect, Word,
    host, settings,
};

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Way {
    /// Logs without end, then crashes.
    Flood,
    /// HTML that would run.
    Script,
    /// Text without end.
    Text,
    /// More words than any page has.
    Words,
    /// More HTML than any page has.
    Html,
    /// A text that is none.
    Utf8,
    /// A confidence that is none.
    Confidence,
    /// Says that it was told to stop.
    Cancelled,
    /// Calls itself for ever.
    Recursion,
    /// Reads where nothing is.
    Wild,
    /// Packs the whole page over and over, in the host's time.
    Encode,
    /// Wants a picture larger than such pictures can be, and makes something that
    /// may pass of the host's refusal.
    Jpeg,
    /// A box that is off the page by one.
    Box,
    /// Divides by zero.
    Divide,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    way: Option<Way>,
}

struct Hostile;

impl Engine for Hostile {
    fn describe() -> Description {
        Description {
            settings_schema: r#"{"type":"object","properties":{"way":{"type":"string"}}}"#.to_owned(),
            ..Description::new("hostile", env!("CARGO_PKG_VERSION"))
        }
    }

    fn recognize(page: &Page, options: &Options) -> Result<PageText, Error> {
        let Settings { way } = settings(options)?;
        let Some(way) = way else { return Ok(said("harmless")) };
        match way {
            Way::Flood => {
                let line = "x".repeat(100_000);
                (0..100_000).for_each(|_| host::log(host::Level::Info, &line));
                panic!("it has said all")
            }
            Way::Script => Ok(PageText {
                html: Some("<p onclick=alert(1)>kept</p><script>alert(1)</script>".to_owned()),
                ..said("kept")
            }),
            Way::Text => Ok(said(&"x".repeat(9 << 20))),
            Way::Words => Ok(said(&"x ".repeat(60_000))),
            Way::Html => Ok(PageText { html: Some(" ".repeat(5 << 20)), ..said("x") }),
            Way::Utf8 => Ok(said(&broken())),
            Way::Confidence => Ok(PageText { confidence: Some(f32::NAN), ..said("x") }),
            Way::Cancelled => Err(Error::Cancelled),
            Way::Recursion => Ok(said(&deeper(1).to_string())),
            Way::Wild => Ok(said(&wild().to_string())),
            Way::Encode => Ok(encode(page)),
            Way::Jpeg => match page.encoded(whole(page), ImageEncoding::Jpeg, 0, 90) {
                Ok(file) => Ok(said(&file.len().to_string())),
                Err(_) => Err(Error::retryable("not-now", "it may do better later", None)),
            },
            Way::Box => {
                let info = page.info();
                let bounds = Some(Rect { x: 1, y: 0, width: info.width, height: info.height });
                Ok(PageText::simple(vec![Block::paragraph(bounds, Vec::new())]))
            }
            Way::Divide => Ok(said(&(1_u32 / black_box(0)).to_string())),
        }
    }
}

fn said(text: &str) -> PageText {
    let words = text.split(' ').map(|word| Word::new(word, None)).collect();
    PageText::simple(vec![Block::paragraph(None, vec![Line { bounds: None, words }])])
}

fn deeper(depth: u64) -> u64 {
    let room = black_box([depth; 64]);
    room[0] + deeper(depth + 1) + room[63]
}

fn whole(page: &Page) -> Rect {
    let info = page.info();
    Rect { x: 0, y: 0, width: info.width, height: info.height }
}

fn encode(page: &Page) -> PageText {
    let whole = whole(page);
    let mut bytes = 0;
    loop {
        bytes += page.encoded(whole, ImageEncoding::Png, 0, 90).map_or(0, |file| file.len());
        bytes += page.pixels(whole, PixelFormat::Rgba8, 0).map_or(0, |bitmap| bitmap.data.len());
        black_box(bytes);
    }
}

#[allow(unsafe_code, reason = "that is what it is for")]
fn broken() -> String {
    // SAFETY: there is none; the host has to notice.
    unsafe { String::from_utf8_unchecked(vec![b'x', 0xff, 0xfe]) }
}

#[allow(unsafe_code, reason = "that is what it is for")]
fn wild() -> u8 {
    // SAFETY: there is none; the sandbox has to notice.
    unsafe { std::ptr::read_volatile(black_box(0xffff_fff0_usize) as *const u8) }
}

untxt_plugin_sdk::export!(Hostile);
