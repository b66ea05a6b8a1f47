//! Letters drawn more than once: bold made by drawing twice a little apart,
//! letters filled and then outlined, shadows.

use std::collections::HashMap;

use super::glyph::Glyph;

/// A letter is drawn again when it lies within these parts of the type size of
/// an earlier one: along the line and across it. They are poppler's
/// (`dupMaxPriDelta`, `dupMaxSecDelta` of its TextOutputDev).
const ALONG: f64 = 0.1;
const ACROSS: f64 = 0.2;

/// Nor by more than this part of its width: in narrow type, and only there, the
/// second letter of "ll" is nearer than a tenth of the type size.
const OF_WIDTH: f64 = 1.0 / 3.0;

/// Letters looked at in one place. Print has two or three; a file that piles
/// more up must not make us compare each with each.
const PILE_MAX: usize = 16;

/// Type size in eighths of a pixel, and a square of it that is as wide as a
/// repetition may be off.
type Place = (i64, i64, i64);

/// `glyphs` without those that say again what is said in the same place.
pub(super) fn without_repeats(glyphs: Vec<Glyph>) -> Vec<Glyph> {
    let mut kept: Vec<Glyph> = Vec::with_capacity(glyphs.len());
    let mut piles: HashMap<Place, Vec<usize>> = HashMap::new();
    for glyph in glyphs {
        let place = place(&glyph);
        let mut near = around(place).filter_map(|place| piles.get(&place)).flatten();
        if near.any(|index| repeats(&kept[*index], &glyph)) {
            continue;
        }
        let pile = piles.entry(place).or_default();
        if pile.len() < PILE_MAX {
            pile.push(kept.len());
        }
        kept.push(glyph);
    }
    kept
}

#[expect(clippy::cast_possible_truncation, reason = "what is off the page may share a place")]
fn place(glyph: &Glyph) -> Place {
    let square = |at: f64| (at / (glyph.size * ACROSS)).floor() as i64;
    ((glyph.size * 8.0).round() as i64, square(glyph.start.x), square(glyph.start.y))
}

fn around((size, x, y): Place) -> impl Iterator<Item = Place> {
    let beside = |at: i64| [at.saturating_sub(1), at, at.saturating_add(1)];
    beside(x).into_iter().flat_map(move |x| beside(y).map(|y| (size, x, y)))
}

fn repeats(earlier: &Glyph, later: &Glyph) -> bool {
    let (along, across) = earlier.distance(later);
    let apart_max = (ALONG * earlier.size).min(OF_WIDTH * earlier.advance.abs());
    earlier.text == later.text
        && along.abs() <= apart_max
        && across <= ACROSS * earlier.size
        && earlier.along.dot(later.along) > 0.99
}

#[cfg(test)]
mod tests {
    use super::super::sample::{SIZE, typed};
    use super::*;

    fn text(glyphs: Vec<Glyph>) -> String {
        without_repeats(glyphs).into_iter().map(|glyph| glyph.text).collect()
    }

    #[test]
    fn letters_drawn_twice_are_said_once() {
        for (x, y) in [(0.0, 0.0), (0.4, 0.0), (1.9, 3.9), (-1.0, -2.0)] {
            let twice = [typed("Double struck", 100.0, 50.0), typed("Double struck", 100.0 + x, 50.0 + y)];
            assert_eq!(text(twice.concat()), "Double struck", "{x} {y}");
        }
    }

    #[test]
    fn letters_side_by_side_or_below_are_not_repeated() {
        assert_eq!(text(typed("oooo....", 0.0, 0.0)), "oooo....");
        let lines = [typed("same", 0.0, 0.0), typed("same", 0.0, SIZE * 0.5), typed("same", 2.5, 0.0)];
        assert_eq!(text(lines.concat()), "samesamesame");
        let narrow = typed("ll", 0.0, 0.0).into_iter().enumerate().map(|(index, glyph)| Glyph {
            start: (index as f64 * 0.05 * SIZE, 0.0).into(),
            advance: 0.05 * SIZE,
            ..glyph
        });
        assert_eq!(text(narrow.collect()), "ll");
    }

    #[test]
    fn a_pile_of_letters_is_compared_to_a_bound() {
        let mark = |index: i32| Glyph {
            start: (f64::from(index) * 1e-6, 0.0).into(),
            advance: 0.0,
            ..typed("x", 0.0, 0.0).remove(0)
        };
        let pile: Vec<Glyph> = (0..50_000).map(mark).collect();
        assert_eq!(text(pile).len(), 50_000);
    }
}
