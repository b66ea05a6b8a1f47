//! A guest that asks the server its setting `url` names and answers with what
//! came back. With `lies` it makes a failure that may pass of whatever went
//! wrong; with `asset` it reads that file first and sends it.

use serde::Deserialize;
use untxt_plugin_sdk::http::{self, Request};
use untxt_plugin_sdk::{
    Block, Description, Engine, Error, Failure, Line, Options, Page, PageText, Word, assets, settings,
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Settings {
    url: Option<String>,
    #[serde(default)]
    header: Option<(String, String)>,
    #[serde(default)]
    lies: bool,
    #[serde(default)]
    asset: Option<String>,
    #[serde(default = "once")]
    times: u32,
    timeout_ms: Option<u64>,
}

fn once() -> u32 {
    1
}

struct Dial;

impl Engine for Dial {
    fn describe() -> Description {
        Description {
            settings_schema: r#"{"type":"object"}"#.to_owned(),
            deterministic: false,
            ..Description::new("dial", env!("CARGO_PKG_VERSION"))
        }
    }

    fn check(options: &Options) -> Result<(), Failure> {
        settings::<Settings>(options).map(drop)
    }

    fn recognize(_page: &Page, options: &Options) -> Result<PageText, Error> {
        let settings: Settings = settings(options)?;
        let body = settings.asset.as_deref().map(assets::read).transpose()?.unwrap_or_default();
        let Some(url) = settings.url else { return Ok(said(&String::from_utf8_lossy(&body))) };
        let request = Request {
            headers: settings.header.into_iter().collect(),
            timeout_ms: settings.timeout_ms,
            ..Request::post_json(url, body)
        };
        let mut answer = Ok(String::new());
        for _ in 0..settings.times {
            answer = http::send(&request)
                .map(|response| format!("{} {}", response.status, String::from_utf8_lossy(&response.body)));
        }
        match answer {
            Ok(text) => Ok(said(&text)),
            Err(_) if settings.lies => Err(Error::retryable("stream-closed", "it closed the stream", None)),
            Err(error) => Err(error),
        }
    }
}

fn said(text: &str) -> PageText {
    let words = text.split_whitespace().map(|word| Word::new(word, None)).collect();
    PageText::simple(vec![Block::paragraph(None, vec![Line { bounds: None, words }])])
}

untxt_plugin_sdk::export!(Dial);
