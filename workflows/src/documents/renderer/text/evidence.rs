//! What tells columns from a table: both have white space down the page, but
//! columns are read one after the other, and rows of a table must stay whole.
//!
//! Two things speak for columns. Who made the file drew one side and then the
//! other: then that is the order they are meant to be read in, and it holds for
//! lists and indexes of short lines too. Or both sides are prose, which fills
//! its lines with words, where cells are short and of many widths; this finds
//! columns that were drawn line by line across the page.

use super::frames::{Piece, median, rows};

/// Lines of prose: fewer can't be told from cells.
const PROSE_ROWS_MIN: usize = 3;

/// Widths in type sizes: columns of newspapers have 25 letters and more, of half
/// the type size.
const PROSE_WIDTH_MIN: f64 = 10.0;

/// Type sizes from line to line of prose: one and a half is wide, and a row of a
/// table with room around its text has more.
const PROSE_PITCH_MAX: f64 = 1.6;

/// A line of prose is full where it has this part of the width of its column;
/// the last of a paragraph is not.
const FULL: f64 = 0.8;

/// A gap between lines that is this many times the usual one parts paragraphs,
/// or rows of a table.
const PAUSE: f64 = 1.4;

/// Whether the pieces on both sides of a gutter, sorted downwards, are columns.
pub(super) fn are_columns(left: &[&Piece], right: &[&Piece]) -> bool {
    are_drawn_apart(left, right) || (is_prose(left) && is_prose(right) && !pause_together(left, right))
}

/// Drawing goes from side to side once, or on a quarter of the lines at most:
/// a figure's labels may be drawn last.
fn are_drawn_apart(left: &[&Piece], right: &[&Piece]) -> bool {
    let mut drawn: Vec<(usize, bool)> = left.iter().map(|piece| (piece.order, false)).collect();
    drawn.extend(right.iter().map(|piece| (piece.order, true)));
    drawn.sort_unstable();
    let changes = drawn.windows(2).filter(|pair| pair[0].1 != pair[1].1).count();
    changes == 1 || 4 * changes <= left.len().min(right.len())
}

/// Three in five of its lines are full, and three in four of its characters are
/// letters: columns of codes, dates and amounts are none.
fn is_prose(side: &[&Piece]) -> bool {
    let mut widths: Vec<f64> = side.iter().map(|piece| piece.width() / piece.size).collect();
    widths.sort_by(f64::total_cmp);
    // The few that stick out do not count.
    let column = widths.get(widths.len() * 9 / 10).copied().unwrap_or_default();
    let full = widths.iter().filter(|width| **width >= FULL * column).count();
    rows(side.iter().copied()) >= PROSE_ROWS_MIN
        && column >= PROSE_WIDTH_MIN
        && 5 * full >= 3 * widths.len()
        && pitch(side) <= PROSE_PITCH_MAX * median(side.iter().map(|piece| piece.size))
        && is_of_letters(side)
}

fn is_of_letters(side: &[&Piece]) -> bool {
    let characters = side.iter().flat_map(|piece| piece.texts()).flat_map(str::chars);
    let (letters, others) = characters.filter(|character| !character.is_whitespace()).fold(
        (0_usize, 0_usize),
        |(letters, others), character| match character.is_alphabetic() {
            true => (letters + 1, others),
            false => (letters, others + 1),
        },
    );
    letters >= 3 * others
}

/// Both sides pause before the same lines, each time or at least twice and at
/// half of their pauses: rows of a table that have several lines a cell.
fn pause_together(left: &[&Piece], right: &[&Piece]) -> bool {
    let (left, right) = (pauses(left), pauses(right));
    let is_in_right = |one: &&(f64, f64)| right.iter().any(|other| (one.0 - other.0).abs() < one.1 / 2.0);
    let together = left.iter().filter(is_in_right).count();
    let pauses = left.len().max(right.len());
    together > 0 && (together == pauses || (together >= 2 && 2 * together >= pauses))
}

/// Middle and size of the lines that a pause comes before.
fn pauses(side: &[&Piece]) -> Vec<(f64, f64)> {
    let usual = pitch(side);
    let after_pause = steps(side).filter(|(step, _)| *step > PAUSE * usual);
    after_pause.map(|(_, piece)| (piece.middle, piece.size)).collect()
}

/// The usual step from line to line.
fn pitch(side: &[&Piece]) -> f64 {
    median(steps(side).map(|(step, _)| step))
}

/// From line to line, with the line that the step leads to.
fn steps<'a>(side: &'a [&'a Piece]) -> impl Iterator<Item = (f64, &'a Piece)> {
    let steps = side.windows(2).map(|pair| (pair[1].middle - pair[0].middle, pair[1]));
    // Pieces side by side are one line.
    steps.filter(|(step, piece)| *step >= piece.size / 2.0)
}
