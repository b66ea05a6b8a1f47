//! What is wrong at the moment, for whoever asks: a failure in the background
//! stands here until the same thing succeeds.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use crate::time::Timestamp;

/// What failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Saying that the worker is alive.
    Heartbeat,
    /// Taking pointers from the queue or giving them back.
    Pull,
    /// Putting pointers into the queue.
    Push,
    /// Claiming work.
    Claim,
    /// Recording outcomes.
    Commit,
    /// Following what operators set.
    Steering,
    /// Healing what crashes left behind.
    Reconcile,
    /// Following the journal for watchers.
    Watch,
    /// Pointers at work this program can't do. Stays until the process ends.
    Delivery,
    /// The worker's own loop.
    Worker,
}

impl Part {
    /// The word for it in JSON and metrics.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Heartbeat => "heartbeat",
            Self::Pull => "pull",
            Self::Push => "push",
            Self::Claim => "claim",
            Self::Commit => "commit",
            Self::Steering => "steering",
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

/// The problems of one engine; at most one a part.
#[derive(Debug, Default)]
pub struct Health(Mutex<BTreeMap<Part, Problem>>);

impl Health {
    /// What does not work now.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    pub(crate) fn failed(&self, part: Part, error: &dyn Display, now: Timestamp) {
        let message = error.to_string();
        let mut problems = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let problem = problems.entry(part).or_insert_with(|| {
            // Once when it begins; the state says the rest.
            tracing::warn!(?part, %message, "does not work");
            Problem { part, message: String::new(), since: now, failures: 0 }
        });
        problem.message = message;
        problem.failures += 1;
    }

    pub(crate) fn succeeded(&self, part: Part) {
        let mut problems = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(problem) = problems.remove(&part) {
            tracing::info!(?part, failures = problem.failures, "works again");
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
        assert_eq!(health.problems(), [problem]);
        health.succeeded(Part::Push);
        assert_eq!(health.problems(), []);
    }
}
