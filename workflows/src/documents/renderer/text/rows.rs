//! The lines of a region, and the words of a line.

use super::cjk::are_wide;
use super::frames::Piece;
use super::glyph::Glyph;
use super::pieces::GAP;

/// A gap wider than this part of the type size divides words that no space
/// divides.
const WORD_GAP: f64 = 0.2;

/// Letters of a word, from its start on.
pub(super) type Word = Vec<Glyph>;

/// The lines of `pieces`, each with its pieces from its start on.
pub(super) fn rows(mut pieces: Vec<Piece>) -> Vec<Vec<Piece>> {
    pieces.sort_by(|a, b| a.middle.total_cmp(&b.middle));
    let mut rows: Vec<Vec<Piece>> = Vec::new();
    for piece in pieces {
        match rows.last_mut() {
            Some(row) if piece.middle - row[0].middle < piece.size.min(row[0].size) / 2.0 => row.push(piece),
            _ => rows.push(vec![piece]),
        }
    }
    for row in &mut rows {
        row.sort_by(|a, b| a.left.total_cmp(&b.left));
    }
    rows
}

/// The words of a line, in the order in which they stand.
pub(super) fn words(row: Vec<Piece>) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    // Of the first letter of the word.
    let mut size = 0.0;
    let mut after_space = false;
    for glyph in row.into_iter().flat_map(|piece| piece.glyphs) {
        if glyph.is_space() {
            after_space = true;
            continue;
        }
        let last = words.last().and_then(|word| word.last());
        let goes_on = last.is_some_and(|last| goes_on(last, &glyph, size, after_space));
        after_space = false;
        match words.last_mut() {
            Some(word) if goes_on => word.push(glyph),
            _ => {
                size = glyph.size;
                words.push(vec![glyph]);
            }
        }
    }
    words
}

/// Whether `next` belongs to the word of `last`. Ideographs are set apart to fill
/// their lines, and some programs write a space after each that nobody sees.
fn goes_on(last: &Glyph, next: &Glyph, size: f64, after_space: bool) -> bool {
    let (from_start, _) = last.distance(next);
    let gap = from_start - last.advance;
    let gap_max = match (are_wide(last, next), after_space) {
        (true, false) => GAP * size,
        (false, true) => return false,
        _ => WORD_GAP * size,
    };
    gap < gap_max && gap > -size
}

#[cfg(test)]
mod tests {
    use super::super::frames::frames;
    use super::super::pieces::pieces;
    use super::super::sample::{SIZE, typed};
    use super::*;

    fn lines(glyphs: Vec<Glyph>) -> Vec<Vec<String>> {
        let text = |word: Word| word.into_iter().map(|glyph| glyph.text).collect();
        let frame = frames(pieces(glyphs)).remove(0);
        rows(frame).into_iter().map(|row| words(row).into_iter().map(text).collect()).collect()
    }

    #[test]
    fn pieces_of_a_line_are_read_from_its_start_on_whenever_they_are_drawn() {
        let drawn = [
            typed("12.50", 300.0, 0.0),
            typed("below", 0.0, 30.0),
            typed("Two words", 0.0, 2.0),
            typed("7", 200.0, 1.0),
        ];
        let expected = [vec!["Two", "words", "7", "12.50"], vec!["below"]];
        assert_eq!(lines(drawn.concat()), expected);
    }

    #[test]
    fn a_gap_divides_words_where_no_space_does() {
        let drawn = [typed("to", 0.0, 0.0), typed("gether", 19.0, 0.0), typed("apart", 72.0, 0.0)];
        assert_eq!(lines(drawn.concat()), [["together", "apart"]]);
    }

    #[test]
    fn ideographs_that_are_set_apart_are_no_words() {
        let spread = |gap: f64| {
            let letters = "東京都、港区".chars().enumerate();
            letters
                .flat_map(|(at, letter)| typed(&letter.to_string(), at as f64 * (8.0 + gap), 0.0))
                .collect()
        };
        assert_eq!(lines(spread(0.0)), [["東京都、港区"]]);
        assert_eq!(lines(spread(0.5 * SIZE)), [["東京都、港区"]]);
        let spaced = |gap: f64| {
            let mut glyphs: Vec<Glyph> = spread(gap);
            let spaces = typed("      ", 0.0, 0.0).into_iter().enumerate();
            for (at, space) in spaces.rev() {
                let start = glyphs[at].end();
                glyphs.insert(at + 1, Glyph { start, advance: 0.0, ..space });
            }
            glyphs
        };
        assert_eq!(lines(spaced(0.0)), [["東京都、港区"]], "spaces that nobody sees");
        assert_eq!(lines(spaced(0.3 * SIZE)).concat().len(), 6, "spaces that are seen");
        assert_eq!(lines(typed("東京　港区", 0.0, 0.0)), [["東京", "港区"]]);
    }
}
