//! What is wrong at the moment, for whoever asks: a failure in the background
//! stands here until the same thing succeeds.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;

use crate::fingerprint::fingerprint;
use crate::time::Timestamp;

/// What failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Saying that the worker is alive.
    Heartbeat,
    /// Taking deliveries from the queue or giving them back.
    Pull,
    /// Putting deliveries into the queue.
    Push,
    /// Claiming work.
    Claim,
    /// Recording outcomes.
    Commit,
    /// Following what operators set.
    #[serde(rename = "steering")]
    ControlSync,
    /// Healing what crashes left behind.
    Reconcile,
    /// Following the journal for watchers.
    Watch,
    /// Deliveries at work this program can't do. Stands for a minute after the last.
    Delivery,
    /// The worker's own loop. Stands for a minute.
    Worker,
}

impl Part {
    /// Whether there is a success that ends its problem.
    fn is_seen_to_succeed(self) -> bool {
        !matches!(self, Self::Delivery | Self::Worker)
    }

    /// The word for it in JSON and metrics.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Heartbeat => "heartbeat",
            Self::Pull => "pull",
            Self::Push => "push",
            Self::Claim => "claim",
            Self::Commit => "commit",
            Self::ControlSync => "steering",
            Self::Reconcile => "reconcile",
            Self::Watch => "watch",
            Self::Delivery => "delivery",
            Self::Worker => "worker",
        }
    }
}

/// Something that does not work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// What failed.
    pub part: Part,
    /// How it failed last.
    pub message: String,
    /// Since when it has not succeeded.
    pub since: Timestamp,
    /// Failures since then.
    pub failures: u64,
}

/// A failure of one kind is logged in the log no more often than this; how many
/// were not logged is said with the next.
const LOG_INTERVAL: Duration = Duration::from_secs(60);

/// Kinds of failures that are logged apart, so that no text grows the list for
/// ever; what is more counts as one kind of its part.
const KINDS_MAX: usize = 256;

/// How long ago something must have failed last that counts as over, for parts
/// of which nothing is ever seen to succeed.
const QUIET: Duration = Duration::from_secs(60);

/// The problems of one engine; at most one a part.
#[derive(Debug, Default)]
pub struct Health(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    problems: BTreeMap<Part, ActiveProblem>,
    logged: BTreeMap<(Part, String), LoggedFailure>,
}

#[derive(Debug)]
struct ActiveProblem {
    problem: Problem,
    last: Timestamp,
}

/// A kind of failure that was logged.
#[derive(Debug)]
struct LoggedFailure {
    at: Timestamp,
    suppressed: u64,
}

impl State {
    /// Whether a failure is to be logged now: how many of its kind were not since
    /// the last that was.
    fn should_log(&mut self, part: Part, message: &str, now: Timestamp) -> Option<u64> {
        let mut kind = (part, fingerprint("", "", "", message));
        if self.logged.len() >= KINDS_MAX && !self.logged.contains_key(&kind) {
            self.logged.retain(|_, logged| now.since(logged.at) < LOG_INTERVAL);
            if self.logged.len() >= KINDS_MAX {
                kind.1 = String::new();
            }
        }
        match self.logged.get_mut(&kind) {
            Some(logged) if now.since(logged.at) < LOG_INTERVAL => {
                logged.suppressed += 1;
                None
            }
            logged => {
                let suppressed = logged.map_or(0, |logged| logged.suppressed);
                self.logged.insert(kind, LoggedFailure { at: now, suppressed: 0 });
                Some(suppressed)
            }
        }
    }
}

impl Health {
    /// What does not work at `now`.
    #[must_use]
    pub fn problems(&self, now: Timestamp) -> Vec<Problem> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.problems.retain(|part, active| part.is_seen_to_succeed() || now.since(active.last) < QUIET);
        state.problems.values().map(|active| active.problem.clone()).collect()
    }

    pub(crate) fn failed(&self, part: Part, error: &dyn Display, now: Timestamp) {
        let message = error.to_string();
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(suppressed) = state.should_log(part, &message, now) {
            tracing::warn!(?part, %message, suppressed, "failing");
        }
        let active = state.problems.entry(part).or_insert_with(|| ActiveProblem {
            problem: Problem { part, message: String::new(), since: now, failures: 0 },
            last: now,
        });
        active.problem.message = message;
        active.problem.failures += 1;
        active.last = now;
    }

    pub(crate) fn succeeded(&self, part: Part) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(active) = state.problems.remove(&part) {
            tracing::info!(?part, failures = active.problem.failures, "recovered");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_stands_until_the_same_part_succeeds() {
        let health = Health::default();
        health.failed(Part::Push, &"no route", Timestamp(1));
        health.failed(Part::Push, &"refused", Timestamp(2));
        health.succeeded(Part::Pull);
        let problem =
            Problem { part: Part::Push, message: "refused".to_owned(), since: Timestamp(1), failures: 2 };
        assert_eq!(health.problems(Timestamp(1_000_000)), [problem]);
        health.succeeded(Part::Push);
        assert_eq!(health.problems(Timestamp(2)), []);
    }

    #[test]
    fn each_kind_of_failure_is_told_and_none_floods_the_log() {
        let mut state = State::default();
        let minute = Timestamp(60_000);
        assert_eq!(state.should_log(Part::Delivery, "run 1 has no step 9", Timestamp(0)), Some(0));
        for at in 1..100 {
            let again = format!("run {at} has no step 9");
            assert_eq!(
                state.should_log(Part::Delivery, &again, Timestamp(at)),
                None,
                "the same but for its names"
            );
        }
        assert_eq!(state.should_log(Part::Delivery, "workflow `w` is not known", Timestamp(5)), Some(0));
        assert_eq!(state.should_log(Part::Claim, "run 1 has no step 9", Timestamp(5)), Some(0));
        assert_eq!(
            state.should_log(Part::Delivery, "run 7 has no step 9", minute),
            Some(99),
            "and again in time"
        );
    }

    #[test]
    fn no_more_kinds_are_told_apart_than_can_be_kept() {
        let mut state = State::default();
        let word =
            |at: usize| "ghijklmnop".chars().cycle().skip(at % 10).take(at / 10 + 1).collect::<String>();
        let logged =
            (0..2 * KINDS_MAX).filter(|at| state.should_log(Part::Pull, &word(*at), Timestamp(0)).is_some());
        assert_eq!(logged.count(), KINDS_MAX + 1, "all beyond are one kind");
        assert!(state.logged.len() <= KINDS_MAX + 1);
        assert_eq!(state.should_log(Part::Pull, "of another time", Timestamp(60_000)), Some(0));
        assert!(state.logged.len() <= 2, "what is long past is forgotten");
    }

    #[test]
    fn what_is_never_seen_to_succeed_is_over_when_it_is_quiet() {
        let health = Health::default();
        health.failed(Part::Delivery, &"no such step", Timestamp(0));
        health.failed(Part::Claim, &"no answer", Timestamp(0));
        assert_eq!(health.problems(Timestamp(59_999)).len(), 2);
        let left: Vec<Part> = health.problems(Timestamp(60_000)).iter().map(|problem| problem.part).collect();
        assert_eq!(left, [Part::Claim]);
    }
}
