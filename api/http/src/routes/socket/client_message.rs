//! What a client may say, and how often.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use salvo::websocket::Message;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::json;

/// Characters of what is wrong with a message: it may repeat some of it.
pub(crate) const PROBLEM_CHARS_MAX: usize = 200;

/// One message.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum ClientMessage {
    /// Are you there?
    Ping,
    /// Tell me again what happened to this task after `afterSeq`.
    #[serde(rename_all = "camelCase")]
    Subscribe {
        task_id: Uuid,
        #[serde(default)]
        after_seq: u64,
    },
    /// I was away since `since`, and know of these tasks that much: tell me the
    /// rest, of them and of all others.
    Resume(Away),
}

/// Since when a client was away, and what it knows.
#[derive(Debug, Deserialize)]
pub(crate) struct Away {
    pub(super) since: DateTime<Utc>,
    #[serde(default)]
    pub(super) seen: HashMap<Uuid, u64>,
    /// Where the part before this one ended.
    #[serde(default)]
    pub(super) cursor: Option<String>,
}

/// What the message says.
///
/// # Errors
/// What is wrong with it, for people.
pub(crate) fn read(message: &Message) -> Result<ClientMessage, String> {
    let Ok(text) = message.as_str() else {
        return Err("the message is binary; send JSON as a text message".to_owned());
    };
    let value: Value =
        json::read(text.as_bytes()).map_err(|error| short(&format!("the message is not JSON: {error}")))?;
    serde_json::from_value(value).map_err(|error| {
        short(&format!(
            "the message is not understood: {error}; `type` is `ping`, `subscribe` (with `taskId`) or `resume` \
             (with `since`)"
        ))
    })
}

fn short(problem: &str) -> String {
    problem.chars().filter(|c| !c.is_control()).take(PROBLEM_CHARS_MAX).collect()
}

/// Counts what may come so many times a second for long, and more at once.
#[derive(Debug)]
pub(super) struct Pace {
    per_second: u32,
    at_once: u32,
    left: u32,
    filled_at: Instant,
}

impl Pace {
    pub(super) fn new(per_second: u32, at_once: u32) -> Self {
        Self { per_second, at_once, left: at_once, filled_at: Instant::now() }
    }

    /// Whether one more is all right.
    pub(super) fn allows(&mut self) -> bool {
        let each = Duration::from_secs(1) / self.per_second;
        let more = self.filled_at.elapsed().as_millis() / each.as_millis();
        let more = u32::try_from(more).unwrap_or(u32::MAX);
        self.filled_at += each.saturating_mul(more.min(self.at_once));
        if more >= self.at_once {
            self.filled_at = Instant::now();
        }
        self.left = self.left.saturating_add(more).min(self.at_once);
        let allowed = self.left > 0;
        self.left = self.left.saturating_sub(1);
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_said_shortly() {
        let problem = |text: &str| read(&Message::text(text)).unwrap_err();
        assert!(problem("ping").starts_with("the message is not JSON: "), "{}", problem("ping"));
        let unknown = problem(r#"{"type":"shout"}"#);
        assert!(unknown.contains("unknown variant `shout`"), "{unknown}");
        let missing = problem(r#"{"type":"subscribe","task_id":"x"}"#);
        assert!(missing.contains("missing field `taskId`"), "{missing}");
        let long = problem(&format!(r#"{{"type":"{}"}}"#, "é".repeat(10_000)));
        assert_eq!(long.chars().count(), PROBLEM_CHARS_MAX);
        assert!(read(&Message::binary(b"{}".to_vec())).unwrap_err().contains("binary"));
        assert!(read(&Message::text(r#"{"type":"ping","extra":1}"#)).is_ok());
    }
}
