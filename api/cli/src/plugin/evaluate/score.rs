//! How far a text is from the true one.

use std::ops::AddAssign;

use strsim::{generic_levenshtein, levenshtein};
use unicode_normalization::UnicodeNormalization as _;

/// Errors of a text, or of several together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Score {
    /// Of the true text, with single spaces.
    pub(super) characters: usize,
    pub(super) words: usize,
    /// Insertions, deletions and replacements that make one text of the other.
    pub(super) character_errors: usize,
    pub(super) word_errors: usize,
}

impl Score {
    /// Compares in composed form (NFC), with any white space as one space; the order
    /// of lines counts.
    pub(super) fn of(read: &str, truth: &str) -> Self {
        let (read, truth) = (normal(read), normal(truth));
        let (read_words, words): (Vec<&str>, Vec<&str>) =
            (read.split(' ').collect(), truth.split(' ').collect());
        Self {
            character_errors: levenshtein(&read, &truth),
            word_errors: generic_levenshtein::<Vec<&str>, Vec<&str>, _, _>(&read_words, &words),
            characters: truth.chars().count(),
            words: if truth.is_empty() { 0 } else { words.len() },
        }
    }

    /// Errors a character; `None` where the true text has none.
    pub(super) fn cer(&self) -> Option<f64> {
        ratio(self.character_errors, self.characters)
    }

    /// Errors a word; `None` where the true text has none.
    pub(super) fn wer(&self) -> Option<f64> {
        ratio(self.word_errors, self.words)
    }
}

impl AddAssign for Score {
    fn add_assign(&mut self, other: Self) {
        self.characters += other.characters;
        self.words += other.words;
        self.character_errors += other.character_errors;
        self.word_errors += other.word_errors;
    }
}

fn ratio(errors: usize, all: usize) -> Option<f64> {
    (all > 0).then(|| errors as f64 / all as f64)
}

fn normal(text: &str) -> String {
    let composed: String = text.nfc().collect();
    composed.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_counted_by_character_and_by_word() {
        let score = Score::of("the qick  brown\nfax jumps", "the quick brown fox jumps");
        let expected = Score { characters: 25, words: 5, character_errors: 2, word_errors: 2 };
        assert_eq!(score, expected);
        assert_eq!((score.cer(), score.wer()), (Some(0.08), Some(0.4)));
    }

    #[test]
    fn composed_and_decomposed_letters_are_the_same() {
        assert_eq!(Score::of("Gru\u{308}\u{df}e", "Gr\u{fc}\u{df}e").character_errors, 0);
    }

    #[test]
    fn an_empty_page_has_errors_and_no_rate() {
        let score = Score::of("dust", " \n");
        assert_eq!((score.character_errors, score.word_errors), (4, 1));
        assert_eq!((score.cer(), score.wer()), (None, None));
        assert_eq!(Score::of("", "").word_errors, 0);
        assert_eq!(Score::of("", "two words").word_errors, 2);
    }
}
