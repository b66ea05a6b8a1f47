//! When things were done, and how long the service took to recover from each
//! fault.

use std::collections::BTreeMap;

use serde::Serialize;
use untxt_engine::time::Timestamp;

use crate::faults::InjectedFault;

/// A rate is taken over this long.
const WINDOW_MS: i64 = 1_000;

/// The part of the usual rate that counts as full throughput. The usual rate is
/// the median over all windows in which the service had work.
const FULL: f64 = 0.8;

/// Times in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Spread {
    pub(crate) n: usize,
    pub(crate) p50_ms: i64,
    pub(crate) p99_ms: i64,
    pub(crate) max_ms: i64,
}

impl Spread {
    /// Of these times.
    pub(crate) fn of(mut times: Vec<i64>) -> Self {
        times.sort_unstable();
        let at = |part: usize| times.get((times.len().max(1) - 1) * part / 100).copied().unwrap_or_default();
        Self { n: times.len(), p50_ms: at(50), p99_ms: at(99), max_ms: at(100) }
    }
}

/// How long after a fault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Recovery {
    /// Until the next outcome was committed.
    pub(crate) first_commit: Spread,
    /// Until outcomes came at the usual rate again.
    pub(crate) full_throughput: Spread,
}

/// When each outcome was committed, in order.
#[derive(Debug, Default)]
pub(crate) struct Timeline {
    commits_ms: Vec<i64>,
}

impl Timeline {
    /// Of outcomes at these times, in any order.
    pub(crate) fn new(mut commits_ms: Vec<i64>) -> Self {
        commits_ms.sort_unstable();
        Self { commits_ms }
    }

    /// The first outcome of all; 1970 when there is none.
    pub(crate) fn first(&self) -> Timestamp {
        Timestamp(self.commits_ms.first().copied().unwrap_or_default())
    }

    /// The last outcome of all; 1970 when there is none.
    pub(crate) fn last(&self) -> Timestamp {
        Timestamp(self.commits_ms.last().copied().unwrap_or_default())
    }

    /// Outcomes a second, the median over the windows that had any.
    pub(crate) fn usual_rate(&self) -> f64 {
        let mut windows: BTreeMap<i64, u32> = BTreeMap::new();
        for at in &self.commits_ms {
            *windows.entry(at / WINDOW_MS).or_default() += 1;
        }
        let mut rates: Vec<u32> = windows.into_values().collect();
        rates.sort_unstable();
        rates.get(rates.len() / 2).copied().unwrap_or_default().into()
    }

    /// From `at` to the next outcome.
    pub(crate) fn first_after(&self, at: Timestamp) -> Option<i64> {
        Some(self.commits_ms.get(self.index_after(at))? - at.0)
    }

    /// From `at` until outcomes come at `rate` a second.
    fn full_after(&self, at: Timestamp, rate: f64) -> Option<i64> {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small count")]
        let many = (rate * FULL).ceil().max(1.0) as usize;
        let from = self.index_after(at);
        let mut windows = self.commits_ms.get(from..)?.windows(many);
        let full = windows.find(|window| window[many - 1] - window[0] <= WINDOW_MS)?;
        Some(full[0] - at.0)
    }

    fn index_after(&self, at: Timestamp) -> usize {
        self.commits_ms.partition_point(|commit| *commit <= at.0)
    }

    /// How long the service took after each kind of fault. What the end of the
    /// campaign cut off is not counted.
    pub(crate) fn recoveries(&self, injected: &[InjectedFault]) -> BTreeMap<&'static str, Recovery> {
        let rate = self.usual_rate();
        let mut kinds: BTreeMap<&'static str, Vec<Timestamp>> = BTreeMap::new();
        for one in injected {
            kinds.entry(one.fault.name()).or_default().push(one.at);
        }
        let recovery = |times: Vec<Timestamp>| Recovery {
            first_commit: Spread::of(times.iter().filter_map(|at| self.first_after(*at)).collect()),
            full_throughput: Spread::of(times.iter().filter_map(|at| self.full_after(*at, rate)).collect()),
        };
        kinds.into_iter().map(|(kind, times)| (kind, recovery(times))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recovery_is_told_from_the_gap_and_the_rate() {
        // Ten a second for five seconds, nothing for two, one, then ten a second.
        let usual = (0..50).map(|n| n * 100);
        let after = (0..30).map(|n| 8_000 + n * 100);
        let timeline = Timeline::new(usual.chain([7_000]).chain(after).collect());
        let at = Timestamp(4_950);
        assert_eq!(timeline.first_after(at), Some(2_050));
        assert_eq!(timeline.full_after(at, timeline.usual_rate()), Some(3_050));
        assert_eq!(timeline.full_after(Timestamp(20_000), 10.0), None);
    }
}
