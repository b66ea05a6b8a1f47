//! What a client may say, and how often.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde::Deserialize;
use uuid::Uuid;

/// Messages a second that a client may send for long, and how many at once.
const MESSAGES_PER_SECOND: u32 = 20;
const MESSAGES_AT_ONCE: u32 = 100;

/// One message.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(super) enum Said {
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
    Resume {
        since: DateTime<Utc>,
        #[serde(default)]
        seen: HashMap<Uuid, u64>,
    },
}

/// Counts a client's messages.
#[derive(Debug)]
pub(super) struct Pace {
    left: u32,
    filled_at: Instant,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self { left: MESSAGES_AT_ONCE, filled_at: Instant::now() }
    }

    /// Whether one more message is all right.
    pub(super) fn allows(&mut self) -> bool {
        let each = Duration::from_secs(1) / MESSAGES_PER_SECOND;
        let more = self.filled_at.elapsed().as_millis() / each.as_millis();
        let more = u32::try_from(more).unwrap_or(u32::MAX);
        self.filled_at += each.saturating_mul(more.min(MESSAGES_AT_ONCE));
        if more >= MESSAGES_AT_ONCE {
            self.filled_at = Instant::now();
        }
        self.left = self.left.saturating_add(more).min(MESSAGES_AT_ONCE);
        let allowed = self.left > 0;
        self.left = self.left.saturating_sub(1);
        allowed
    }
}
