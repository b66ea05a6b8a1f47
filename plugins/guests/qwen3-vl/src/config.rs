//! What a task may say about how its pages are read.

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Settings {
    /// Up to and with `/v1`.
    pub(crate) base_url: String,
    pub(crate) model: String,
    pub(crate) output: Output,
    /// Instead of the one that belongs to `output`.
    pub(crate) prompt: Option<String>,
    pub(crate) boxes: Convention,
    /// Of the picture that is sent: 32 x 32 of them are a token.
    pub(crate) max_pixels: u32,
    pub(crate) max_tokens: u32,
    pub(crate) logprobs: bool,
    pub(crate) timeout_ms: Option<u64>,
    /// The attempt from which a flawed answer is fallen back from.
    pub(crate) fallback_at: u32,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Output {
    Html,
    Markdown,
    Text,
}

/// What a model's coordinates count.
#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Convention {
    /// Pixels when one of them is over 1000, else thousandths.
    Auto,
    /// Thousandths of the page: Qwen3-VL.
    Relative,
    /// Pixels of the picture that was sent: Qwen2.5-VL.
    Pixels,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            base_url: "http://127.0.0.1:8000/v1".to_owned(),
            model: "Qwen/Qwen3-VL-8B-Instruct".to_owned(),
            output: Output::Html,
            prompt: None,
            boxes: Convention::Auto,
            max_pixels: 2_000_000,
            max_tokens: 12_288,
            logprobs: true,
            timeout_ms: None,
            fallback_at: 3,
        }
    }
}

impl Settings {
    pub(crate) fn prompt(&self) -> &str {
        self.prompt.as_deref().unwrap_or(match self.output {
            Output::Html => include_str!("../prompts/1/html.txt"),
            Output::Markdown => include_str!("../prompts/1/markdown.txt"),
            Output::Text => include_str!("../prompts/1/text.txt"),
        })
    }
}
