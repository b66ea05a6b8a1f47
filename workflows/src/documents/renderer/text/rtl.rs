//! Scripts that are written from right to left.

use unicode_bidi::{BidiClass, bidi_class};

/// Letters of Latin's kind and letters of Hebrew's and Arabic's kind in `texts`.
pub(super) fn strong<'a>(texts: impl Iterator<Item = &'a str>) -> (usize, usize) {
    let mut counts = (0, 0);
    for character in texts.flat_map(str::chars) {
        match bidi_class(character) {
            BidiClass::L => counts.0 += 1,
            BidiClass::R | BidiClass::AL => counts.1 += 1,
            _ => {}
        }
    }
    counts
}

/// Whether `texts` are read from the right: where half of their letters are.
pub(super) fn is_from_the_right<'a>(texts: impl Iterator<Item = &'a str>) -> bool {
    let (left, right) = strong(texts);
    right > 0 && right >= left
}

/// Whether the first letter of `text` is written from right to left.
pub(super) fn begins_from_the_right(text: &str) -> bool {
    let mut letters =
        text.char_indices().map(|(at, letter)| strong(std::iter::once(&text[at..at + letter.len_utf8()])));
    letters.find(|counts| *counts != (0, 0)).is_some_and(|counts| counts.1 > 0)
}
