//! `qwen3-vl`: has a vision model read the page, behind any server that speaks
//! OpenAI's chat completions: vLLM, llama.cpp, Ollama, DashScope.
//!
//! What a model gets wrong is told apart from what a server does. A cut, a loop,
//! a refusal, nothing or nonsense is asked for again with more heat, by the
//! attempt's number; from `fallbackAt` on the page falls back on the text it
//! carries, or on what is left of the answer, and says so.
//!
//! The map: `config` (settings), `ask` (the request), `heard` (the answer), `flaws`
//! (what is wrong with it), `html` and `markdown` (the text as blocks), `boxes`
//! (places on the page), `sure` (how sure the model was), `fallback`.

mod ask;
mod base64;
mod boxes;
mod config;
mod fallback;
mod flaws;
mod heard;
mod html;
mod markdown;
mod sure;

use untxt_plugin_sdk::{
    Block, Description, Engine, Error, Failure, Options, Page, PageText, attributes, host, http, settings,
    stop_if_cancelled,
};

use boxes::Frame;
use config::{Output, Settings};
use heard::Heard;

/// Of the prompts in `prompts/`.
const PROMPT_VERSION: &str = "1";

struct Qwen3Vl;

impl Engine for Qwen3Vl {
    fn describe() -> Description {
        Description {
            deterministic: false,
            settings_schema: include_str!("settings.schema.json").to_owned(),
            attributes: attributes([("prompt-version", PROMPT_VERSION)]),
            ..Description::new("qwen3-vl", env!("CARGO_PKG_VERSION"))
        }
    }

    fn check(options: &Options) -> Result<(), Failure> {
        settings::<Settings>(options).map(drop)
    }

    fn recognize(page: &Page, options: &Options) -> Result<PageText, Error> {
        let settings: Settings = settings(options)?;
        let attempt = attempt(options);
        let (request, frame) = ask::request(page, &settings, attempt)?;
        host::progress(0.2, "asking");
        stop_if_cancelled()?;
        let response = http::send(&request)?;
        host::progress(0.8, "answered");
        let heard = Heard::read(&response.body);
        let heard = match heard {
            Ok(heard) => heard,
            Err(reason) => return unusable(page, &settings, attempt, None, frame, "malformed", &reason),
        };
        match flaws::of(&heard, &settings) {
            None => Ok(answer(&heard, &settings, frame)),
            Some((code, reason)) => unusable(page, &settings, attempt, Some(&heard), frame, code, &reason),
        }
    }
}

/// The page's text as the model told it.
fn answer(heard: &Heard, settings: &Settings, frame: Frame) -> PageText {
    let text = heard.text();
    let (mut blocks, html) = read(text, settings, frame);
    let confidence = sure::mark(&mut blocks, &heard.tokens);
    let kind = if confidence.is_some() { "logprob" } else { "none" };
    let finish = heard.finish_reason.as_deref().unwrap_or("unknown");
    PageText {
        html,
        confidence,
        attributes: attributes([
            ("confidence-kind", kind),
            ("finish-reason", finish),
            ("model", &heard.model),
            ("prompt-version", PROMPT_VERSION),
        ]),
        ..PageText::simple(blocks)
    }
}

fn read(text: &str, settings: &Settings, frame: Frame) -> (Vec<Block>, Option<String>) {
    match settings.output {
        Output::Html => (html::blocks(text, frame), Some(text.to_owned())),
        Output::Markdown | Output::Text if looks_like_html(text) => (html::blocks(text, frame), None),
        Output::Markdown | Output::Text => (markdown::blocks(text, frame), None),
    }
}

/// Models answer in HTML when the page shows some.
fn looks_like_html(text: &str) -> bool {
    let start = text.trim_start().as_bytes();
    start.len() > 5
        && (start[..5].eq_ignore_ascii_case(b"<html") || start[..5].eq_ignore_ascii_case(b"<!doc"))
}

/// An answer that can't be used: asked for again, or fallen back from.
fn unusable(
    page: &Page,
    settings: &Settings,
    attempt: u32,
    heard: Option<&Heard>,
    frame: Frame,
    code: &'static str,
    reason: &str,
) -> Result<PageText, Error> {
    host::log(host::Level::Warn, &format!("attempt {attempt}: {code}: {reason}"));
    if attempt < settings.fallback_at {
        return Err(Error::retryable(code, reason, None));
    }
    let left = heard.filter(|_| code == "truncated" || code == "repetition");
    let left = left.map(|heard| read(flaws::sound_part(heard.text()), settings, frame).0);
    fallback::answer(page, left, code).ok_or_else(|| Error::permanent(code, reason))
}

/// The attempt as the host counts it; the first when it does not say.
fn attempt(options: &Options) -> u32 {
    let said = options.attributes.iter().find(|(name, _)| name == "attempt");
    said.and_then(|(_, value)| value.parse().ok()).unwrap_or(1)
}

untxt_plugin_sdk::export!(Qwen3Vl);
