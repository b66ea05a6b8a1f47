//! What a step may say when it fails.

use serde::{Deserialize, Serialize};

/// What the engine is to do about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// Try again after the policy's back-off.
    Retry,
    /// Try again, but not before `after_ms` milliseconds from now.
    RetryAfter {
        /// Milliseconds.
        after_ms: u64,
    },
    /// Trying again can't help.
    Permanent,
}

/// Which purse a retry is paid from. They are kept apart so that a server that
/// is down for an hour does not eat the attempts meant for a difficult page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Budget {
    /// Something between us and a server: refused, reset, timed out, 5xx.
    Transport,
    /// A server or host that asked us to come back later.
    Throttle,
    /// The work itself: a bad answer, a crash of the engine, a time-out.
    Content,
    /// The worker vanished while it held the work.
    LostWorker,
}

/// A step's failure: the verdict for the engine, a stable code for machines,
/// a message for people. It is stored as it is; its serde form is a stored
/// format and only grows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{code}: {message}")]
pub struct StepError {
    /// What is to be done.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// Which budget a retry takes from.
    pub budget: Budget,
    /// Stable, `SCREAMING_SNAKE_CASE`.
    pub code: String,
    /// What was tried, on what, and which knob to turn.
    pub message: String,
    /// What lies underneath, outermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chain: Vec<String>,
    /// Lines that help whoever looks into it (an engine's log, its panic text).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logs: Vec<String>,
}

impl StepError {
    /// A failure that a retry may cure.
    pub fn retry(budget: Budget, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Verdict::Retry, budget, code.into(), message.into())
    }

    /// A failure that a retry can't cure.
    pub fn permanent(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Verdict::Permanent, Budget::Content, code.into(), message.into())
    }

    fn new(verdict: Verdict, budget: Budget, code: String, message: String) -> Self {
        Self { verdict, budget, code, message, chain: Vec::new(), logs: Vec::new() }
    }

    /// The same failure, not to be retried before `after_ms` milliseconds.
    #[must_use]
    pub fn after_ms(mut self, after_ms: u64) -> Self {
        self.verdict = Verdict::RetryAfter { after_ms };
        self
    }

    /// The same failure with the sources of `error` as its chain.
    #[must_use]
    pub fn caused_by(mut self, error: &(dyn std::error::Error + 'static)) -> Self {
        let chain = std::iter::successors(Some(error), |e| e.source());
        self.chain = chain.map(ToString::to_string).collect();
        self
    }

    /// The same failure with lines of a log.
    #[must_use]
    pub fn with_logs(mut self, logs: Vec<String>) -> Self {
        self.logs = logs;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stored_form_stays_what_it_is() {
        let error = StepError::retry(Budget::Throttle, "BUSY", "come back").after_ms(250);
        let stored = serde_json::to_string(&error).unwrap();
        assert_eq!(
            stored,
            r#"{"verdict":"retry_after","after_ms":250,"budget":"throttle","code":"BUSY","message":"come back"}"#
        );
        assert_eq!(serde_json::from_str::<StepError>(&stored).unwrap(), error);
    }
}
