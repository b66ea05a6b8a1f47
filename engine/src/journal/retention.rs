//! For how long what has ended is kept.

use std::time::Duration;

use crate::time::Timestamp;

/// What is pruned, and when. By default nothing ever is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Events and items of a run are pruned when it ended longer ago than this,
    /// unless a dead letter of it waits. The run's own row stays.
    pub histories: Option<Duration>,
    /// Dead letters of ended runs are pruned when they are older than this,
    /// also those that nobody acted upon.
    pub dead_letters: Option<Duration>,
}

impl Retention {
    /// Whether nothing is ever pruned.
    #[must_use]
    pub fn keeps_all(&self) -> bool {
        *self == Self::default()
    }
}

/// What one call pruned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Runs that have lost their events and items.
    pub runs: u64,
    /// Dead letters.
    pub dead_letters: u64,
    /// Whether there may be more to prune now.
    pub more: bool,
}

/// Runs of which one call takes the history.
pub(super) const RUNS_MAX: u64 = 200;
/// Events that they may have together, so that a call stays short: a run's
/// `seq` says how many it has. A longer history goes alone.
pub(super) const EVENTS_MAX: u64 = 10_000;
/// Dead letters that one call takes.
pub(super) const LETTERS_MAX: u64 = 1_000;

/// The point before which something has to lie to be older than `keep`.
pub(super) fn before(now: Timestamp, keep: Duration) -> Timestamp {
    Timestamp(now.0.saturating_sub(i64::try_from(keep.as_millis()).unwrap_or(i64::MAX)))
}

/// How many of the runs with so many events each fit into one call.
pub(super) fn fitting(events: impl Iterator<Item = u64>) -> usize {
    let mut sum = 0_u64;
    let mut fits = 0;
    for count in events {
        sum = sum.saturating_add(count);
        if fits > 0 && sum > EVENTS_MAX {
            break;
        }
        fits += 1;
    }
    fits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_takes_few_events_or_one_long_history() {
        assert_eq!(fitting([EVENTS_MAX + 1, 1].into_iter()), 1);
        assert_eq!(fitting([1, EVENTS_MAX - 1, 1].into_iter()), 2);
        assert_eq!(fitting(std::iter::empty()), 0);
    }
}
