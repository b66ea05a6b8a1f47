//! Stretches of a profile.

use std::ops::Range;

/// The stretches with ink; those less than `gap_min` apart are one.
pub(crate) fn runs(profile: &[u32], gap_min: u32) -> Vec<Range<u32>> {
    let mut runs: Vec<Range<u32>> = Vec::new();
    for (at, &ink) in (0u32..).zip(profile) {
        if ink == 0 {
            continue;
        }
        match runs.last_mut() {
            Some(run) if at - run.end < gap_min.max(1) => run.end = at + 1,
            _ => runs.push(at..at + 1),
        }
    }
    runs
}

/// The middle one of the values, the upper of two; 0 when there are none.
pub(crate) fn median(values: impl Iterator<Item = u32>) -> u32 {
    let mut sorted: Vec<u32> = values.collect();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or(0)
}
