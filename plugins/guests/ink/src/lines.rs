//! Lines and words of a region.

use std::ops::Range;

use crate::area::Area;
use crate::mask::Ink;
use crate::runs::{median, runs};

/// A line of ink.
#[derive(Debug, PartialEq, Eq)]
pub struct Line {
    /// The box around its words.
    pub bounds: Area,
    /// From left to right, never empty.
    pub words: Vec<Word>,
}

/// A piece of ink with a gap on both sides.
#[derive(Debug, PartialEq, Eq)]
pub struct Word {
    /// The box around its ink.
    pub bounds: Area,
    /// The same for the same ink, on any page.
    pub fingerprint: u64,
}

/// The lines of `region` from top to bottom, up to `words_max` words in all.
pub(crate) fn lines(ink: &Ink, region: Area, words_max: usize) -> Vec<Line> {
    let profile = ink.row_profile(region);
    let inked =
        |band: &Range<u32>| profile[band.start as usize..band.end as usize].iter().sum::<u32>() >= INK_MIN;
    let bands = joined(runs(&profile, 1).into_iter().filter(inked).collect());
    let height = median(bands.iter().map(|band| band.end - band.start));
    let mut left = words_max;
    let mut lines = Vec::new();
    for band in bands {
        let area = Area { y: region.y + band.start, height: band.end - band.start, ..region };
        let words = words(ink, area, height, left);
        left -= words.len();
        let bounds = words.iter().map(|word| word.bounds).reduce(|all, one| all.union(&one));
        lines.extend(bounds.map(|bounds| Line { bounds, words }));
        if left == 0 {
            break;
        }
    }
    lines
}

/// Dots and accents are bands of their own where nothing beside them is as
/// tall: a band under a third of the usual height goes to the nearer neighbour
/// within half that height.
fn joined(bands: Vec<Range<u32>>) -> Vec<Range<u32>> {
    let usual = median(bands.iter().map(|band| band.end - band.start));
    let thin = |band: &Range<u32>| (band.end - band.start) * 3 < usual;
    let mut joined: Vec<Range<u32>> = Vec::new();
    for band in bands {
        match joined.last_mut() {
            Some(last) if (thin(last) || thin(&band)) && band.start - last.end <= usual / 2 => {
                last.end = band.end
            }
            _ => joined.push(band),
        }
    }
    joined
}

/// Pixels of ink that a line has at least; dust on the glass has less.
const INK_MIN: u32 = 12;

/// Words are at least 0.3 of the usual line's height apart, letters less: a space
/// is a quarter of the type size, and the letters beside it leave some free. What
/// stands alone and is under a fifth of the usual height both ways is dust.
fn words(ink: &Ink, line: Area, usual_height: u32, words_max: usize) -> Vec<Word> {
    let gap_min = (usual_height * 3 / 10).max(2);
    let runs = runs(&ink.column_profile(line), gap_min).into_iter().take(words_max);
    let columns = runs.map(|run| Area { x: line.x + run.start, width: run.end - run.start, ..line });
    columns
        .map(|area| trimmed(ink, area))
        .filter(|bounds| bounds.width.max(bounds.height) * 5 >= usual_height)
        .map(|bounds| Word { bounds, fingerprint: ink.fingerprint(bounds) })
        .collect()
}

fn trimmed(ink: &Ink, area: Area) -> Area {
    match runs(&ink.row_profile(area), u32::MAX).first() {
        Some(rows) => Area { y: area.y + rows.start, height: rows.end - rows.start, ..area },
        None => area,
    }
}
