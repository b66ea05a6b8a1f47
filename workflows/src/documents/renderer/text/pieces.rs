//! Letters that are drawn one after the other on one line, without a gap that
//! could be a gutter.

use std::mem;

use super::glyph::Glyph;
use super::rtl::strong;

/// A gap that is this part of the type size wide ends a piece. Spaces are a
/// quarter of it, and justified lines stretch them to half; gutters begin at the
/// whole of it (LaTeX has 10 pt between columns of 10 pt type).
pub(super) const GAP: f64 = 0.8;

/// Cosine of the angle between letters of one line: about three degrees.
const SAME_DIRECTION: f64 = 0.9986;

/// The way letters are drawn.
#[derive(Clone, Copy, PartialEq)]
enum Travel {
    Onward,
    /// Each before the one drawn before it, as some programs write from right to
    /// left.
    Backward,
}

/// Pieces of `glyphs` in drawing order; each has letters, from its start on, and
/// no white space at its ends.
pub(super) fn pieces(glyphs: Vec<Glyph>) -> Vec<Vec<Glyph>> {
    let mut pieces = Vec::new();
    let mut open: Vec<Glyph> = Vec::new();
    let mut travel = None;
    for glyph in glyphs {
        let next = open.last().and_then(|last| follows(last, &glyph));
        let goes_on = next.is_some() && (travel.is_none() || travel == next);
        if !goes_on {
            end(mem::take(&mut open), travel, &mut pieces);
        }
        travel = if goes_on { next } else { None };
        open.push(glyph);
    }
    end(open, travel, &mut pieces);
    pieces
}

/// How `next` goes on from `last`; None where it does not.
fn follows(last: &Glyph, next: &Glyph) -> Option<Travel> {
    let size = last.size.max(next.size);
    let (from_start, across) = last.distance(next);
    if across >= size / 2.0 || last.along.dot(next.along) < SAME_DIRECTION || last.mirrored != next.mirrored {
        return None;
    }
    let (gap, travel) = if from_start + next.advance / 2.0 < 0.0 {
        (-from_start - next.advance, Travel::Backward)
    } else {
        (from_start - last.advance, Travel::Onward)
    };
    (gap > -size && gap < GAP * size).then_some(travel)
}

fn end(mut piece: Vec<Glyph>, travel: Option<Travel>, pieces: &mut Vec<Vec<Glyph>>) {
    if travel == Some(Travel::Backward) {
        piece.reverse();
    }
    let Some(last) = piece.iter().rposition(|glyph| !glyph.is_space()) else { return };
    piece.truncate(last + 1);
    let first = piece.iter().position(|glyph| !glyph.is_space()).unwrap_or(0);
    piece.drain(..first);
    let is_from_the_right = strong(piece.iter().map(|glyph| glyph.text.as_str())).1 > 0;
    pieces.push(if piece[0].mirrored && is_from_the_right { turned(piece) } else { piece });
}

/// Words that are drawn towards the left with letters that stand upright, as
/// text recognition writes Hebrew: as they are read, and where they stand.
fn turned(piece: Vec<Glyph>) -> Vec<Glyph> {
    let mut words: Vec<Glyph> = Vec::new();
    for glyph in piece {
        let glyph = Glyph { start: glyph.end(), along: -glyph.along, mirrored: false, ..glyph };
        match words.last_mut() {
            Some(word) if word.is_space() == glyph.is_space() => {
                word.text.push_str(&glyph.text);
                word.advance = (word.end() - glyph.start).dot(word.along);
                word.start = glyph.start;
                word.bounds = word.bounds.union(glyph.bounds);
            }
            _ => words.push(glyph),
        }
    }
    words.reverse();
    words
}

#[cfg(test)]
mod tests {
    use hayro::kurbo::Vec2;

    use super::super::sample::{SIZE, typed, typed_along};
    use super::*;

    fn texts(glyphs: Vec<Glyph>) -> Vec<String> {
        let text = |piece: Vec<Glyph>| piece.into_iter().map(|glyph| glyph.text).collect();
        pieces(glyphs).into_iter().map(text).collect()
    }

    #[test]
    fn a_piece_ends_at_a_wide_gap_and_at_the_next_line() {
        let line = [typed(" one two ", 0.0, 0.0), typed("three", 100.0, 0.0), typed("four", 0.0, 30.0)];
        assert_eq!(texts(line.concat()), ["one two", "three", "four"]);
        let near = [typed("one", 0.0, 0.0), typed("two", 24.0 + GAP * SIZE - 1.0, 0.0)];
        assert_eq!(texts(near.concat()), ["onetwo"]);
        assert!(texts(typed("   ", 0.0, 0.0)).is_empty() && texts(Vec::new()).is_empty());
    }

    #[test]
    fn letters_drawn_backwards_are_one_piece_from_its_start_on() {
        let mut glyphs = typed("abc", 0.0, 0.0);
        glyphs.reverse();
        assert_eq!(texts(glyphs), ["abc"]);
    }

    #[test]
    fn another_direction_is_another_piece() {
        let turned = typed_along("up", (0.0, 0.0), Vec2::new(0.0, -1.0));
        assert_eq!(texts([typed("a", 0.0, 0.0), turned].concat()), ["a", "up"]);
    }

    #[test]
    fn words_drawn_in_a_mirror_are_words() {
        let mirrored = typed_along("שלום 25", (100.0, 0.0), Vec2::new(-1.0, 0.0)).into_iter();
        let pieces = pieces(mirrored.map(|glyph| Glyph { mirrored: true, ..glyph }).collect());
        let words: Vec<_> = pieces[0].iter().map(|word| (word.text.as_str(), word.start.x.round())).collect();
        assert_eq!(words, [("25", 44.0), (" ", 60.0), ("שלום", 68.0)]);
        assert!(pieces[0].iter().all(|word| word.along.x > 0.0 && !word.mirrored));
    }
}
