//! The words of a line in the order in which they are read.
//!
//! Where letters stand tells the order in which they are seen, whatever the
//! order in which they were drawn. The algorithm that puts text in that order
//! (Unicode Standard Annex 9) reverses runs of letters, so applied to text as it
//! is seen it gives the text as it is read, numbers and Latin words included.

use std::mem;

use unicode_bidi::{BidiInfo, Level, ParagraphBidiInfo};

use super::glyph::Glyph;
use super::rows::Word;
use super::rtl::{is_from_the_right, strong};

/// Characters that are drawn as each other where they are read from the right
/// (Unicode's BidiMirroring, what of it stands in running text).
const MIRRORED: [(char, char); 6] = [('(', ')'), ('[', ']'), ('{', '}'), ('<', '>'), ('«', '»'), ('‹', '›')];

/// `words` of a line as they are read, from words as they are seen; on a page
/// that is read from the right, a line with any letters of its script is too.
pub(super) fn as_read(words: Vec<Word>, page_is_from_the_right: bool) -> Vec<Word> {
    let texts = || words.iter().flatten().map(|glyph| glyph.text.as_str());
    if strong(texts()).1 == 0 {
        return words;
    }
    let is_from_the_right = page_is_from_the_right || is_from_the_right(texts());
    let base = if is_from_the_right { Level::rtl() } else { Level::ltr() };
    let levels = levels(&words, base);
    // None is the space between words.
    let mut seen: Vec<Option<Glyph>> = Vec::with_capacity(levels.len());
    for word in words {
        seen.extend(word.into_iter().map(Some));
        seen.push(None);
    }
    seen.pop();
    let mut read = vec![Word::new()];
    for index in BidiInfo::reorder_visual(&levels) {
        match (mem::take(&mut seen[index]), read.last_mut()) {
            (Some(glyph), Some(word)) => {
                word.push(if levels[index].is_rtl() { turned(glyph) } else { glyph })
            }
            _ => read.push(Word::new()),
        }
    }
    read
}

/// One for each letter, and one for each space between words.
fn levels(words: &[Word], base: Level) -> Vec<Level> {
    let mut text = String::new();
    let mut places = Vec::new();
    for (index, word) in words.iter().enumerate() {
        if index > 0 {
            places.push(text.len());
            text.push(' ');
        }
        for glyph in word {
            places.push(text.len());
            text.push_str(&glyph.text);
        }
    }
    let resolved = ParagraphBidiInfo::new(&text, Some(base)).levels;
    places.into_iter().map(|place| resolved.get(place).copied().unwrap_or(base)).collect()
}

fn turned(glyph: Glyph) -> Glyph {
    let mut pairs = MIRRORED.iter().flat_map(|(open, close)| [(open, close), (close, open)]);
    let other = pairs.find(|(one, _)| glyph.text.strip_prefix(**one) == Some(""));
    match other {
        Some((_, other)) => Glyph { text: other.to_string(), ..glyph },
        None => glyph,
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::typed;
    use super::*;

    fn read(seen: &str) -> String {
        read_on(seen, false)
    }

    fn read_on(seen: &str, page_is_from_the_right: bool) -> String {
        let words = seen.split(' ').map(|word| typed(word, 0.0, 0.0)).collect();
        let text = |word: Word| word.into_iter().map(|glyph| glyph.text).collect::<String>();
        as_read(words, page_is_from_the_right).into_iter().map(text).collect::<Vec<_>>().join(" ")
    }

    /// As it is seen from left to right.
    fn seen(text: &str) -> String {
        text.chars().rev().collect()
    }

    #[test]
    fn words_from_right_to_left_are_read_from_the_right() {
        assert_eq!(read(&seen("שלום עולם")), "שלום עולם");
        assert_eq!(read(&seen("مرحبا")), "مرحبا");
    }

    #[test]
    fn numbers_and_latin_words_within_keep_their_order() {
        assert_eq!(read(&format!("25 {}", seen("מעות"))), "מעות 25");
        assert_eq!(read(&format!("{} 12.50 {}", seen("שקל"), seen("מחיר"))), "מחיר 12.50 שקל");
    }

    #[test]
    fn the_page_says_from_where_a_line_of_both_is_read() {
        let line = format!("{} hello world {}", seen("עולם"), seen("שלום"));
        assert_eq!(read_on(&line, true), "שלום hello world עולם");
        assert_eq!(read_on(&line, false), "עולם hello world שלום");
        assert_eq!(read_on("hello (world) 25", true), "hello (world) 25");
    }

    #[test]
    fn brackets_open_where_they_are_read_first() {
        assert_eq!(read(&format!("({}) {}", seen("עולם"), seen("שלום"))), "שלום (עולם)");
    }

    #[test]
    fn a_line_of_latin_turns_only_what_is_written_from_the_right() {
        assert_eq!(
            read(&format!("the words {} mean peace", seen("שלום עולם"))),
            "the words שלום עולם mean peace"
        );
        assert_eq!(read("no (such) words"), "no (such) words");
        assert_eq!(read(""), "");
    }
}
