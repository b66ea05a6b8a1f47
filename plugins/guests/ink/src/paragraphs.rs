//! Groups lines by the gaps between them.

use std::ops::Range;

use crate::area::Area;
use crate::runs::median;

/// Groups of lines that follow each other, as ranges of `lines`. A group ends
/// where the gap is over 1.6 times the usual one, at least over 0.6 of a line's
/// height and at most over twice that, or where the next line starts again
/// further up (a new column). A line without a box belongs to the group before
/// it.
pub fn paragraphs(lines: &[Option<Area>]) -> Vec<Range<usize>> {
    let height = median(lines.iter().flatten().map(|line| line.height));
    let gap = median(lines.windows(2).filter_map(gap_of).filter(|gap| *gap > 0));
    let gap_max = (gap.saturating_mul(8) / 5).clamp(height.saturating_mul(3) / 5, height.saturating_mul(2));
    let mut groups = Vec::new();
    let mut start = 0;
    for (at, pair) in (1usize..).zip(lines.windows(2)) {
        if gap_of(pair).is_some_and(|gap| gap > gap_max) || starts_again(pair) {
            groups.push(start..at);
            start = at;
        }
    }
    if start < lines.len() {
        groups.push(start..lines.len());
    }
    groups
}

fn gap_of(pair: &[Option<Area>]) -> Option<u32> {
    let [Some(upper), Some(lower)] = pair else { return None };
    Some(lower.y.saturating_sub(upper.bottom()))
}

fn starts_again(pair: &[Option<Area>]) -> bool {
    matches!(pair, [Some(before), Some(after)] if after.bottom() <= before.y)
}
