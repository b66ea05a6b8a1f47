//! The lines of a region, and the words of a line.

use super::frames::Piece;
use super::glyph::Glyph;

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
    let mut words: Vec<Word> = vec![Word::new()];
    // Of the first letter of the word.
    let mut size = 0.0;
    for glyph in row.into_iter().flat_map(|piece| piece.glyphs) {
        let word = words.last_mut().filter(|word| !word.is_empty());
        if glyph.is_space() {
            if word.is_some() {
                words.push(Word::new());
            }
            continue;
        }
        match word {
            Some(word) if word.last().is_some_and(|last| goes_on(last, &glyph, size)) => word.push(glyph),
            Some(_) => {
                size = glyph.size;
                words.push(vec![glyph]);
            }
            None => {
                size = glyph.size;
                words.pop();
                words.push(vec![glyph]);
            }
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn goes_on(last: &Glyph, next: &Glyph, size: f64) -> bool {
    let (from_start, _) = last.distance(next);
    let gap = from_start - last.advance;
    gap < WORD_GAP * size && gap > -size
}

#[cfg(test)]
mod tests {
    use super::super::frames::frames;
    use super::super::pieces::pieces;
    use super::super::sample::typed;
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
}
