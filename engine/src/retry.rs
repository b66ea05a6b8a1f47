//! When a failed attempt is tried again, and when it is not.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::{Budget, StepError, Verdict};
use crate::time::Timestamp;

/// How a step is retried. The wait before retry `n` (from 0) of a budget is
/// drawn evenly from `0..=min(cap, initial * factor^n)`: exponential back-off
/// with full jitter, so that what failed together does not come back together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryPolicy {
    /// Upper end of the first wait.
    pub initial: Duration,
    /// By how much that end grows from retry to retry.
    pub factor: f64,
    /// What it never exceeds.
    pub cap: Duration,
    /// How often each budget may be drawn on.
    pub budgets: Budgets,
    /// After this long since the first attempt began, nothing is retried.
    pub elapsed_limit: Option<Duration>,
    /// An attempt that runs longer is ended and counts as a content failure.
    pub timeout: Duration,
    /// What happens when no budget or time is left for another attempt.
    pub when_spent: WhenSpent,
}

/// What becomes of a run when a step's attempts are spent. A permanent failure
/// is not asked: it ends the run whatever stands here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenSpent {
    /// A dead letter, and the run fails with it (or goes on without the item).
    #[default]
    DeadLetter,
    /// A dead letter, and the run waits until it is redriven or the letter is
    /// discarded: for steps whose failures say more about the surroundings than
    /// about the work.
    Pause,
}

/// Retries allowed per budget; attempts are one more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budgets {
    /// For [`Budget::Transport`].
    pub transport: u32,
    /// For [`Budget::Throttle`].
    pub throttle: u32,
    /// For [`Budget::Content`].
    pub content: u32,
    /// For [`Budget::LostWorker`].
    pub lost_worker: u32,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            initial: Duration::from_millis(500),
            factor: 2.0,
            cap: Duration::from_secs(60),
            budgets: Budgets { transport: 10, throttle: 20, content: 2, lost_worker: 3 },
            elapsed_limit: None,
            timeout: Duration::from_secs(300),
            when_spent: WhenSpent::DeadLetter,
        }
    }
}

/// How often each budget was drawn on already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Spent {
    /// From [`Budget::Transport`].
    pub transport: u32,
    /// From [`Budget::Throttle`].
    pub throttle: u32,
    /// From [`Budget::Content`].
    pub content: u32,
    /// From [`Budget::LostWorker`].
    pub lost_worker: u32,
}

impl Spent {
    /// How often `budget` was drawn on.
    #[must_use]
    pub fn of(&self, budget: Budget) -> u32 {
        match budget {
            Budget::Transport => self.transport,
            Budget::Throttle => self.throttle,
            Budget::Content => self.content,
            Budget::LostWorker => self.lost_worker,
        }
    }

    /// Draws on `budget` once more.
    pub fn draw(&mut self, budget: Budget) {
        match budget {
            Budget::Transport => self.transport += 1,
            Budget::Throttle => self.throttle += 1,
            Budget::Content => self.content += 1,
            Budget::LostWorker => self.lost_worker += 1,
        }
    }
}

/// Why an attempt is the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum DeadReason {
    /// The step said that trying again can't help.
    Permanent,
    /// The budget has nothing left.
    BudgetSpent {
        /// Which.
        budget: Budget,
    },
    /// The step's elapsed limit has passed.
    ElapsedLimit,
    /// What the journal holds of it can't be read, or what follows from it can't
    /// be written.
    Unreadable,
}

impl RetryPolicy {
    /// When to try again after `error`, or why not to.
    ///
    /// `jitter` is an even draw from 0..1; `first_started_at` is when the first
    /// attempt began.
    ///
    /// # Errors
    /// The reason why there is no further attempt.
    pub fn next_attempt_at(
        &self,
        error: &StepError,
        spent: &Spent,
        first_started_at: Timestamp,
        now: Timestamp,
        jitter: f64,
    ) -> Result<Timestamp, DeadReason> {
        if error.verdict == Verdict::Permanent {
            return Err(DeadReason::Permanent);
        }
        let drawn = spent.of(error.budget);
        if drawn >= self.allowed(error.budget) {
            return Err(DeadReason::BudgetSpent { budget: error.budget });
        }
        let at = now.after(self.wait(error.verdict, drawn, jitter));
        match self.elapsed_limit {
            Some(limit) if at.since(first_started_at) > limit => Err(DeadReason::ElapsedLimit),
            _ => Ok(at),
        }
    }

    fn allowed(&self, budget: Budget) -> u32 {
        match budget {
            Budget::Transport => self.budgets.transport,
            Budget::Throttle => self.budgets.throttle,
            Budget::Content => self.budgets.content,
            Budget::LostWorker => self.budgets.lost_worker,
        }
    }

    fn wait(&self, verdict: Verdict, drawn: u32, jitter: f64) -> Duration {
        let grown = self.initial.as_secs_f64() * self.factor.powi(i32::try_from(drawn).unwrap_or(i32::MAX));
        let backoff = Duration::from_secs_f64(grown.min(self.cap.as_secs_f64()) * jitter.clamp(0.0, 1.0));
        match verdict {
            // A server's word is a lower bound; the jitter still spreads what it sent away.
            Verdict::RetryAfter { after_ms } => Duration::from_millis(after_ms) + backoff,
            Verdict::Retry | Verdict::Permanent => backoff,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000);

    fn policy() -> RetryPolicy {
        RetryPolicy {
            initial: Duration::from_millis(100),
            cap: Duration::from_millis(500),
            ..RetryPolicy::default()
        }
    }

    fn at(error: &StepError, spent: Spent, jitter: f64) -> Result<Timestamp, DeadReason> {
        policy().next_attempt_at(error, &spent, NOW, NOW, jitter)
    }

    #[test]
    fn waits_grow_to_the_cap_and_jitter_spreads_them() {
        let error = StepError::retry(Budget::Transport, "X", "");
        let waits: Vec<i64> = (0..5)
            .map(|n| at(&error, Spent { transport: n, ..Spent::default() }, 1.0).unwrap().0 - NOW.0)
            .collect();
        assert_eq!(waits, [100, 200, 400, 500, 500]);
        assert_eq!(at(&error, Spent::default(), 0.0), Ok(NOW));
    }

    #[test]
    fn budgets_are_kept_apart() {
        let spent = Spent { transport: 10, ..Spent::default() };
        let transport = StepError::retry(Budget::Transport, "X", "");
        assert_eq!(at(&transport, spent, 0.5), Err(DeadReason::BudgetSpent { budget: Budget::Transport }));
        assert!(at(&StepError::retry(Budget::Content, "X", ""), spent, 0.5).is_ok());
    }

    #[test]
    fn a_servers_retry_after_is_a_lower_bound() {
        let error = StepError::retry(Budget::Throttle, "X", "").after_ms(30_000);
        assert_eq!(at(&error, Spent::default(), 0.0), Ok(Timestamp(NOW.0 + 30_000)));
    }

    #[test]
    fn permanent_and_late_failures_end_it() {
        assert_eq!(at(&StepError::permanent("X", ""), Spent::default(), 0.0), Err(DeadReason::Permanent));
        let limited = RetryPolicy { elapsed_limit: Some(Duration::from_secs(1)), ..policy() };
        let error = StepError::retry(Budget::Content, "X", "");
        let late = limited.next_attempt_at(&error, &Spent::default(), Timestamp(0), NOW, 0.0);
        assert_eq!(late, Err(DeadReason::ElapsedLimit));
    }

    use proptest::prelude::*;

    fn policies() -> impl Strategy<Value = RetryPolicy> {
        let millis = |most: u64| (0..=most).prop_map(Duration::from_millis);
        let budgets = (0_u32..5, 0_u32..5, 0_u32..5, 0_u32..5);
        let limit = proptest::option::of(millis(100_000));
        (millis(5_000), 1.0_f64..8.0, millis(60_000), budgets, limit).prop_map(
            |(initial, factor, cap, (transport, throttle, content, lost_worker), elapsed_limit)| {
                RetryPolicy {
                    initial,
                    factor,
                    cap,
                    budgets: Budgets { transport, throttle, content, lost_worker },
                    elapsed_limit,
                    ..RetryPolicy::default()
                }
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// A retry is due no earlier than the server asked, no later than the cap after
        /// that, never past the limit, and no more often than the budget allows.
        #[test]
        fn delays_and_numbers_of_retries_are_within_their_bounds(
            policy in policies(),
            after_ms in proptest::option::of(0_u64..50_000),
            failures in proptest::collection::vec((0_usize..4, 0.0_f64..1.0, 0_i64..20_000), 0..30),
        ) {
            let budgets = [Budget::Transport, Budget::Throttle, Budget::Content, Budget::LostWorker];
            let (mut spent, mut now) = (Spent::default(), NOW);
            for (budget, jitter, took) in failures {
                now = Timestamp(now.0 + took);
                let error = StepError::retry(budgets[budget], "X", "");
                let error = match after_ms {
                    Some(after) => error.after_ms(after),
                    None => error,
                };
                let drawn = spent.of(error.budget);
                let asked = i64::try_from(after_ms.unwrap_or_default()).unwrap();
                match policy.next_attempt_at(&error, &spent, NOW, now, jitter) {
                    Ok(at) => {
                        prop_assert!(drawn < policy.allowed(error.budget));
                        let grown = policy.initial.as_secs_f64() * policy.factor.powf(f64::from(drawn));
                        let most = Duration::from_secs_f64(grown.min(policy.cap.as_secs_f64()));
                        let most = i64::try_from(most.as_millis()).unwrap() + 1;
                        let wait = at.0 - now.0;
                        prop_assert!((asked..=asked + most).contains(&wait), "{wait} of {asked} + {most}");
                        let limit = policy.elapsed_limit.unwrap_or(Duration::MAX);
                        prop_assert!(at.since(NOW) <= limit, "past the limit");
                        spent.draw(error.budget);
                        now = at;
                    }
                    Err(DeadReason::BudgetSpent { budget }) => {
                        prop_assert_eq!(budget, error.budget);
                        prop_assert_eq!(drawn, policy.allowed(error.budget));
                    }
                    Err(reason) => {
                        prop_assert_eq!(reason, DeadReason::ElapsedLimit);
                        prop_assert!(policy.elapsed_limit.is_some());
                    }
                }
            }
        }
    }
}
