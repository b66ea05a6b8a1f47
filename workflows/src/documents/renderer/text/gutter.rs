//! Looks for the white space that divides columns.

use std::cmp::Ordering;

use super::evidence::are_columns;
use super::frames::{Piece, median, rows};
use super::pieces::GAP;

/// Lines that a column has at least beside another one.
const ROWS_MIN: usize = 2;

/// Places at which a gutter is looked for: edges that most lines share. A page of
/// print has ten columns at most.
const PLACES_MAX: usize = 32;

/// Edges within this part of the type size are one.
const EDGE: f64 = 0.25;

/// A column goes on as long as its lines are at most this many type sizes apart:
/// headings within it have two of white space before them.
const PITCH_MAX: f64 = 2.5;

/// White space with columns beside it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gutter {
    /// Somewhere in it, along the lines.
    pub(super) at: f64,
    /// Middle of the first line beside it.
    pub(super) top: f64,
    /// Middle of the last line beside it.
    pub(super) bottom: f64,
    /// Lines on its shorter side.
    rows: usize,
    width: f64,
}

/// The gutter among `pieces` that has the most lines beside it on both sides, of
/// those that have the same the longest, and then the widest; None where nothing
/// says that there are columns.
pub(super) fn tallest(pieces: &[Piece]) -> Option<Gutter> {
    if pieces.len() < 2 * ROWS_MIN {
        return None;
    }
    let size = median(pieces.iter().map(|piece| piece.size));
    let mut downwards: Vec<&Piece> = pieces.iter().collect();
    downwards.sort_by(|a, b| a.middle.total_cmp(&b.middle));
    let found = places(pieces, size).into_iter().flat_map(|at| gutters_at(at, size, &downwards));
    found.max_by(Gutter::compare)
}

impl Gutter {
    fn compare(&self, other: &Self) -> Ordering {
        let length = |gutter: &Self| gutter.bottom - gutter.top;
        let rows = self.rows.cmp(&other.rows);
        rows.then(length(self).total_cmp(&length(other))).then(self.width.total_cmp(&other.width))
    }
}

/// Half of the gap that ends a piece beside each edge that lines share: before
/// where they begin, and after where they end, as lines do that are written
/// from right to left.
fn places(pieces: &[Piece], size: f64) -> Vec<f64> {
    let half = GAP * size / 2.0;
    let mut places = shared(pieces.iter().map(|piece| -piece.left), size);
    places.iter_mut().for_each(|place| *place = -*place - half);
    places.extend(shared(pieces.iter().map(|piece| piece.right), size).into_iter().map(|right| right + half));
    places
}

/// The edges that most have, each the greatest of its kind.
fn shared(edges: impl Iterator<Item = f64>, size: f64) -> Vec<f64> {
    let mut edges: Vec<f64> = edges.collect();
    edges.sort_by(f64::total_cmp);
    let alike = edges.chunk_by(|a, b| b - a < EDGE * size);
    let mut shared: Vec<(usize, f64)> =
        alike.filter_map(|alike| Some((alike.len(), *alike.last()?))).collect();
    shared.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    shared.truncate(PLACES_MAX);
    shared.into_iter().map(|(_, edge)| edge).collect()
}

/// The gutters at `at`, between pieces that cross it.
fn gutters_at(at: f64, size: f64, downwards: &[&Piece]) -> Vec<Gutter> {
    let half = GAP * size * 0.49;
    let crosses = |piece: &&Piece| piece.left < at + half && piece.right > at - half;
    downwards.split(crosses).filter_map(|stretch| gutter(at, stretch)).collect()
}

/// The gutter between the pieces of `stretch`, none of which crosses `at`.
fn gutter(at: f64, stretch: &[&Piece]) -> Option<Gutter> {
    let (left, right): (Vec<&Piece>, Vec<&Piece>) = stretch.iter().partition(|piece| piece.left < at);
    let (core_top, core_bottom) = core(&left, &right)?;
    let in_core = |side: &[&Piece]| {
        let within = side.iter().filter(|piece| {
            piece.middle >= core_top - piece.size / 2.0 && piece.middle <= core_bottom + piece.size / 2.0
        });
        rows(within.copied())
    };
    let rows = in_core(&left).min(in_core(&right));
    if rows < ROWS_MIN {
        return None;
    }
    let [(left_top, left_bottom), (right_top, right_bottom)] =
        [&left, &right].map(|side| extended(side, core_top, core_bottom));
    let (top, bottom) = (left_top.min(right_top), left_bottom.max(right_bottom));
    let within = |piece: &&Piece| piece.middle >= top && piece.middle <= bottom;
    let left: Vec<&Piece> = left.into_iter().filter(within).collect();
    let right: Vec<&Piece> = right.into_iter().filter(within).collect();
    let begins = right.iter().map(|piece| piece.left).fold(f64::INFINITY, f64::min);
    let ends = left.iter().map(|piece| piece.right).fold(f64::NEG_INFINITY, f64::max);
    are_columns(&left, &right).then_some(Gutter { at, top, bottom, rows, width: begins - ends })
}

/// From where to where both sides have lines.
fn core(left: &[&Piece], right: &[&Piece]) -> Option<(f64, f64)> {
    let top = left.first()?.middle.max(right.first()?.middle);
    let bottom = left.last()?.middle.min(right.last()?.middle);
    (top <= bottom).then_some((top, bottom))
}

/// How far the lines of one side go on, up from `top` and down from `bottom`.
fn extended(side: &[&Piece], mut top: f64, mut bottom: f64) -> (f64, f64) {
    let above = top;
    for piece in side.iter().rev().filter(|piece| piece.middle < above) {
        if top - piece.middle > PITCH_MAX * piece.size {
            break;
        }
        top = piece.middle;
    }
    let below = bottom;
    for piece in side.iter().filter(|piece| piece.middle > below) {
        if piece.middle - bottom > PITCH_MAX * piece.size {
            break;
        }
        bottom = piece.middle;
    }
    (top, bottom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_that_most_lines_share_are_looked_at_up_to_a_bound() {
        let edges = (0..100).flat_map(|edge| vec![f64::from(edge) * 10.0; 1 + (edge % 7) as usize]);
        let shared = shared(edges, 20.0);
        assert_eq!(shared.len(), PLACES_MAX);
        // Those at 60, 130, 200, ... are seven lines'.
        assert!(shared[..14].iter().all(|edge| edge % 70.0 == 60.0), "{shared:?}");
    }

    #[test]
    fn edges_that_are_nearly_the_same_are_one() {
        assert_eq!(shared([10.0, 500.0, 12.0, 14.0].into_iter(), 20.0), [14.0, 500.0]);
    }
}
