//! `qwen3-vl` against a server that speaks as the real ones do, and fails as they
//! fail.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use untxt_plugins::{Class, Line, Package, Page, PixelFormat, PluginError, Recognized, Rect, Word};

use crate::rig::{Rig, built, limits, printed, words};
use crate::server::{Asked, Reply, Server};

fn package() -> Package {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../guests/qwen3-vl");
    let folder = tempfile::tempdir().expect("a folder");
    fs::copy(sources.join("plugin.toml"), folder.path().join("plugin.toml")).expect("it is there");
    fs::copy(built("qwen3-vl"), folder.path().join("qwen3-vl.wasm")).expect("it is built");
    Package::read(folder.path(), 1 << 20).expect("it is whole")
}

struct Model {
    rig: Rig,
    server: Server,
}

impl Model {
    async fn answering(reply: impl Fn(usize, &Asked) -> Reply + Send + Sync + 'static) -> Self {
        let server = Server::start(reply).await;
        let rig = Rig::new(untxt_plugins::EngineLimits { memory_bytes_max: 128 << 20, ..limits() });
        let grants = format!("[http]\norigins = [\"{}\"]\n", server.origin());
        fs::write(rig.engines.join("qwen3-vl.toml"), grants).expect("it can be written");
        rig.registry.install("qwen3-vl", package(), None, true).await.expect("it passes");
        Self { rig, server }
    }

    async fn saying(completion: Value) -> Self {
        Self::answering(move |_, _| Reply::ok(completion.to_string())).await
    }

    async fn read(&self, settings: Value, attempt: u32) -> Result<Recognized, PluginError> {
        self.read_page(printed(), settings, attempt).await
    }

    async fn read_page(&self, page: Page, settings: Value, attempt: u32) -> Result<Recognized, PluginError> {
        let mut all = json!({ "baseUrl": format!("{}/v1", self.server.origin()) });
        for (name, value) in settings.as_object().expect("it is an object") {
            all[name] = value.clone();
        }
        self.rig.call("qwen3-vl", page, all, attempt, CancellationToken::new()).await
    }

    fn asked(&self, number: usize) -> Value {
        serde_json::from_slice(&self.server.asked()[number].body).expect("it is JSON")
    }
}

fn completion(content: &str, finish_reason: &str) -> Value {
    json!({
        "model": "served-model",
        "choices": [{ "index": 0, "finish_reason": finish_reason, "message": { "role": "assistant", "content": content } }],
        "usage": { "prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120 }
    })
}

fn attribute<'a>(read: &'a Recognized, name: &str) -> Option<&'a str> {
    read.text.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

#[tokio::test]
async fn a_page_is_asked_for_and_read_with_its_places_and_confidence() {
    let mut said = completion(
        "```html\n<html><body><h2 data-bbox=\"100 100 500 200\">Invoice 7</h2><p data-bbox=\"100 300 900 400\">Sum &amp; tax</p></body></html>\n```",
        "stop",
    );
    let tokens = ["<h2>", "In", "voice", " 7", "</h2>", "Sum", " &amp;", " tax"];
    let content: Vec<Value> = tokens.iter().map(|token| json!({ "token": token, "logprob": -0.1 })).collect();
    said["choices"][0]["logprobs"] = json!({ "content": content });
    let model = Model::saying(said).await;
    let read = model.read(json!({}), 1).await.expect("it is read");
    assert_eq!(words(&read), ["Invoice", "7", "Sum", "&", "tax"]);
    let first = &read.text.blocks[0];
    assert_eq!(first.role, "heading");
    assert_eq!(first.bounds, Some(Rect { x: 60, y: 40, width: 240, height: 40 }));
    let sure = first.lines[0].words[0].confidence.expect("it is known");
    assert!((sure - 0.9048).abs() < 1e-3, "{sure}");
    assert_eq!(
        (attribute(&read, "confidence-kind"), attribute(&read, "model")),
        (Some("logprob"), Some("served-model"))
    );
    assert_eq!(attribute(&read, "finish-reason"), Some("stop"));
    assert!(read.text.html.is_some_and(|html| html.starts_with("<html>")), "the host cleans it");

    let head = &model.server.asked()[0].head;
    assert!(head.starts_with("POST /v1/chat/completions ") && head.contains("application/json"), "{head}");
    let asked = model.asked(0);
    assert_eq!((&asked["temperature"], &asked["logprobs"]), (&json!(0.0), &json!(true)));
    let parts = &asked["messages"][0]["content"];
    assert_eq!(parts[1]["text"], "qwenvl html");
    let url = parts[0]["image_url"]["url"].as_str().expect("a picture");
    assert!(url.starts_with("data:image/jpeg;base64,/9j/"), "{}", &url[..40]);
}

#[tokio::test]
async fn a_later_attempt_is_asked_for_with_more_heat_and_the_same_one_asks_the_same() {
    let model = Model::saying(completion("<p>x</p>", "stop")).await;
    for attempt in [1, 2, 3, 3, 99] {
        model.read(json!({ "output": "markdown", "logprobs": false }), attempt).await.expect("it is read");
    }
    let heat: Vec<f64> = (0..5).map(|n| model.asked(n)["temperature"].as_f64().expect("a number")).collect();
    assert!(heat.windows(2).all(|two| two[0] <= two[1]) && heat[0] < heat[1], "{heat:?}");
    assert_eq!(model.asked(2), model.asked(3));
    assert_eq!(model.asked(0)["messages"][0]["content"][1]["text"], "qwenvl markdown");
    assert!(model.asked(0).get("logprobs").is_none());
}

#[tokio::test]
async fn a_large_page_keeps_to_its_budget_and_pixels_are_the_pictures() {
    let model = Model::saying(completion("<p data-bbox=\"0 0 1200 800\">x</p>", "stop")).await;
    let page = Page::new(0, 1, 300, (2_480, 3_508), PixelFormat::Luma8, vec![255; 2_480 * 3_508], Vec::new());
    let read = model
        .read_page(page.expect("it fits"), json!({ "maxPixels": 1_500_000 }), 1)
        .await
        .expect("it is read");
    let bounds = read.text.blocks[0].bounds.expect("it is placed");
    assert!(bounds.width > 2_000 && bounds.height > 1_300, "{bounds:?}");
}

#[tokio::test]
async fn each_flaw_of_an_answer_is_told_and_asked_for_again() {
    let looping = format!("<p>{}", "and so on ".repeat(100));
    let mut capped = completion("<p>all of it", "stop");
    capped["usage"]["completion_tokens"] = json!(50);
    let mut refusing = completion("", "stop");
    refusing["choices"][0]["message"]["refusal"] = json!("no");
    for (said, code) in [
        (completion(&looping, "stop"), "ENGINE_REPETITION"),
        (completion(&looping, "length"), "ENGINE_REPETITION"),
        (completion("<p>cut he", "length"), "ENGINE_TRUNCATED"),
        (capped, "ENGINE_TRUNCATED"),
        (completion("I'm sorry, I can't assist with that.", "stop"), "ENGINE_REFUSED"),
        (refusing, "ENGINE_REFUSED"),
        (completion("x", "content_filter"), "ENGINE_REFUSED"),
        (completion("  ", "stop"), "ENGINE_EMPTY"),
        (json!({ "choices": [] }), "ENGINE_MALFORMED"),
        (json!({ "error": "what?" }), "ENGINE_MALFORMED"),
        (json!("<html>a proxy says hello</html>"), "ENGINE_MALFORMED"),
    ] {
        let model = Model::saying(said).await;
        let failed = model.read(json!({ "maxTokens": 50 }), 1).await.expect_err("it is flawed");
        assert_eq!((failed.code(), failed.class()), (code, Class::Retry { after: None }), "{failed}");
        assert!(failed.logs().iter().any(|line| line.contains("attempt 1")), "{:?}", failed.logs());
    }
}

#[tokio::test]
async fn the_last_attempt_falls_back_and_says_so() {
    let model =
        Model::saying(completion(&format!("<p>kept</p><p>{}", "and so on ".repeat(100)), "stop")).await;
    let read = model.read(json!({}), 3).await.expect("something is left");
    assert_eq!(words(&read)[..4], ["kept", "and", "so", "on"]);
    assert!(words(&read).len() < 12, "the loop is cut: {:?}", words(&read));
    assert_eq!(
        (attribute(&read, "fallback"), attribute(&read, "finish-reason")),
        (Some("true"), Some("repetition"))
    );
    assert_eq!((read.text.confidence, attribute(&read, "confidence-kind")), (None, Some("none")));

    let model = Model::saying(completion("", "stop")).await;
    let word = Word { text: "carried".to_owned(), ..Word::default() };
    let layer = vec![Line { words: vec![word], ..Line::default() }];
    let page =
        Page::new(0, 1, 72, (100, 100), PixelFormat::Luma8, vec![255; 10_000], layer).expect("it fits");
    let read = model.read_page(page, json!({}), 3).await.expect("the page carries it");
    assert_eq!((words(&read), attribute(&read, "text-source")), (vec!["carried"], Some("text-layer")));
    let failed = model.read(json!({}), 3).await.expect_err("nothing is left");
    assert_eq!((failed.code(), failed.class()), ("ENGINE_EMPTY", Class::Permanent));
}

#[tokio::test]
async fn servers_that_throttle_stall_and_break_are_not_the_models_fault() {
    let reply = |number: usize| match number {
        0 => Reply::Whole(
            "429 Too Many Requests".to_owned(),
            vec![("retry-after", "2".to_owned())],
            Vec::new(),
        ),
        1 => Reply::status("502 Bad Gateway"),
        2 => Reply::Stall,
        3 => Reply::Half,
        4 => Reply::status("401 Unauthorized"),
        _ => Reply::Noise,
    };
    let model = Model::answering(move |number, _| reply(number)).await;
    for (code, class) in [
        ("ENGINE_RATE_LIMITED", Class::Retry { after: Some(Duration::from_secs(2)) }),
        ("ENGINE_UPSTREAM_5XX", Class::Transport),
        ("ENGINE_TIMED_OUT", Class::Transport),
        ("ENGINE_BROKEN", Class::Transport),
        ("ENGINE_UPSTREAM_UNAUTHORIZED", Class::Permanent),
        ("ENGINE_BROKEN", Class::Transport),
    ] {
        // As late as it may be: a fallback is for what the model did.
        let failed = model.read(json!({ "timeoutMs": 300 }), 9).await.expect_err("it fails");
        assert_eq!((failed.code(), failed.class()), (code, class), "{failed}");
    }
}

#[tokio::test]
async fn pages_and_settings_that_can_not_be_used_ask_nobody() {
    let model = Model::saying(completion("x", "stop")).await;
    let narrow =
        Page::new(0, 1, 0, (5, 900), PixelFormat::Luma8, vec![0; 4_500], Vec::new()).expect("it fits");
    let failed = model.read_page(narrow, json!({}), 1).await.expect_err("it is too narrow");
    assert_eq!((failed.code(), failed.class()), ("ENGINE_BAD_IMAGE", Class::Permanent));
    let failed = model.read(json!({ "temprature": 1 }), 1).await.expect_err("it is misspelt");
    assert_eq!(failed.code(), "ENGINE_BAD_SETTINGS");
    assert_eq!(model.server.asked().len(), 0);
}

/// Against a real server: `UNTXT_LIVE_QWEN=http://127.0.0.1:8000/v1`, and
/// `UNTXT_LIVE_QWEN_MODEL` where it has more than one.
#[tokio::test]
async fn a_real_server_reads_the_page() {
    let Ok(base) = std::env::var("UNTXT_LIVE_QWEN") else { return };
    let rig = Rig::new(untxt_plugins::EngineLimits { memory_bytes_max: 128 << 20, ..limits() });
    let origin = base.trim_end_matches("/v1");
    let grants = format!("[http]\norigins = [\"{origin}\"]\n");
    fs::write(rig.engines.join("qwen3-vl.toml"), grants).expect("it can be written");
    rig.registry.install("qwen3-vl", package(), None, true).await.expect("it passes");
    let mut settings = json!({ "baseUrl": base });
    if let Ok(model) = std::env::var("UNTXT_LIVE_QWEN_MODEL") {
        settings["model"] = json!(model);
    }
    let read = rig.call("qwen3-vl", printed(), settings, 1, CancellationToken::new()).await;
    read.expect("the server answers");
}
