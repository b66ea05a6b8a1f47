//! The server's answer. All of it may be a lie; what is missing is missing.

use serde::Deserialize;

pub(crate) struct Heard {
    pub(crate) model: String,
    content: String,
    pub(crate) refusal: Option<String>,
    pub(crate) finish_reason: Option<String>,
    pub(crate) completion_tokens: Option<u32>,
    /// With the logarithm of its probability each, in order.
    pub(crate) tokens: Vec<Token>,
}

#[derive(Deserialize)]
pub(crate) struct Token {
    pub(crate) token: String,
    pub(crate) logprob: f32,
}

#[derive(Deserialize)]
struct Completion {
    #[serde(default)]
    model: Option<String>,
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Choice {
    message: Message,
    #[serde(default)]
    finish_reason: Option<String>,
    #[serde(default)]
    logprobs: Option<Logprobs>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    refusal: Option<String>,
}

#[derive(Deserialize)]
struct Logprobs {
    #[serde(default)]
    content: Option<Vec<Token>>,
}

#[derive(Deserialize)]
struct Usage {
    #[serde(default)]
    completion_tokens: Option<u32>,
}

/// Characters of a model's name that are kept.
const MODEL_CHARS_MAX: usize = 100;

impl Heard {
    /// Reads the body of an answer.
    ///
    /// # Errors
    /// What it is instead.
    pub(crate) fn read(body: &[u8]) -> Result<Self, String> {
        let completion: Completion =
            serde_json::from_slice(body).map_err(|error| format!("the answer is no completion: {error}"))?;
        let usage = completion.usage.and_then(|usage| usage.completion_tokens);
        let choice = completion.choices.into_iter().next().ok_or("the answer has no choice")?;
        Ok(Self {
            model: completion.model.unwrap_or_default().chars().take(MODEL_CHARS_MAX).collect(),
            content: choice.message.content.unwrap_or_default(),
            refusal: choice.message.refusal.filter(|refusal| !refusal.is_empty()),
            finish_reason: choice.finish_reason,
            completion_tokens: usage,
            tokens: choice.logprobs.and_then(|logprobs| logprobs.content).unwrap_or_default(),
        })
    }

    /// What the model said, without the fence that it put around it.
    pub(crate) fn text(&self) -> &str {
        let text = self.content.trim();
        let Some(inside) = text.strip_prefix("```") else { return text };
        // The rest of the line names a language.
        let inside = inside.split_once('\n').map_or("", |(_, inside)| inside);
        inside.strip_suffix("```").unwrap_or(inside).trim()
    }
}

#[cfg(test)]
impl Heard {
    pub(crate) fn saying(content: &str) -> Self {
        let body = serde_json::json!({ "choices": [{ "message": { "content": content }, "finish_reason": "stop" }] });
        Self::read(body.to_string().as_bytes()).expect("it is a completion")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fence_is_taken_off() {
        for said in ["<p>a</p>", "```html\n<p>a</p>\n```", "```\n<p>a</p>", "  <p>a</p>\n"] {
            assert_eq!(Heard::saying(said).text(), "<p>a</p>", "{said:?}");
        }
        assert_eq!(Heard::saying("```").text(), "");
    }

    #[test]
    fn what_is_no_completion_is_told() {
        for body in ["", "<html>", "{}", "{\"choices\":[]}", "{\"choices\":[{}]}", "[1]", "\u{feff}{}"] {
            assert!(Heard::read(body.as_bytes()).is_err(), "{body}");
        }
        assert!(Heard::read(b"\xff\xfe").is_err());
        let bare =
            Heard::read(b"{\"choices\":[{\"message\":{\"content\":null}}]}").map(|heard| heard.content);
        assert_eq!(bare, Ok(String::new()));
    }
}
