//! Posts the page as a PNG to a server and takes each line of its answer for a line
//! of text. Make `ask` and `answer` what your server wants and says.

use serde::Deserialize;
use untxt_plugin_sdk::http::{self, Request, Response};
use untxt_plugin_sdk::{
    Block, Description, Engine, Error, Failure, ImageEncoding, Line, Options, Page, PageText, Rect, Word,
    settings,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(default = "url")]
    url: String,
}

fn url() -> String {
    "http://127.0.0.1:8000/ocr".to_owned()
}

struct NewEngine;

impl Engine for NewEngine {
    fn describe() -> Description {
        Description {
            deterministic: false,
            settings_schema: r#"{"type":"object","properties":{"url":{"type":"string"}},"additionalProperties":false}"#
                .to_owned(),
            ..Description::new("NAME", env!("CARGO_PKG_VERSION"))
        }
    }

    fn check(options: &Options) -> Result<(), Failure> {
        settings::<Settings>(options).map(drop)
    }

    fn recognize(page: &Page, options: &Options) -> Result<PageText, Error> {
        let Settings { url } = settings(options)?;
        Ok(answer(&ask(page, url)?))
    }
}

/// An answer other than 2xx is an error that says whether it may pass.
fn ask(page: &Page, url: String) -> Result<Response, Error> {
    let info = page.info();
    let whole = Rect { x: 0, y: 0, width: info.width, height: info.height };
    http::send(&Request {
        method: "POST".to_owned(),
        url,
        headers: vec![("content-type".to_owned(), "image/png".to_owned())],
        body: page.encoded(whole, ImageEncoding::Png, 2_000, 0)?,
        timeout_ms: None,
    })
}

fn answer(response: &Response) -> PageText {
    let text = String::from_utf8_lossy(&response.body);
    let words = |line: &str| line.split_whitespace().map(|word| Word::new(word, None)).collect();
    let lines = text.lines().map(|line| Line { bounds: None, words: words(line) }).collect();
    PageText::simple(vec![Block::paragraph(None, lines)])
}

untxt_plugin_sdk::export!(NewEngine);
