//! Letters as people type them, in place of the shapes that fonts draw.

use unicode_normalization::UnicodeNormalization;

use super::cjk::in_lines;

/// Ligatures of Latin and Armenian, and the shapes of Hebrew and Arabic letters
/// (Unicode, Alphabetic Presentation Forms, Arabic Presentation Forms A and B):
/// the standard keeps them for old encodings, and asks that text is stored in
/// the letters themselves. No other compatibility character is folded: ² is not 2.
fn is_shape(character: char) -> bool {
    matches!(character, '\u{fb00}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}')
}

/// `text` with its letters in place of their shapes, and without control
/// characters.
pub(super) fn folded(text: &str) -> String {
    let mut letters = String::with_capacity(text.len());
    for character in text.chars().filter(|character| !character.is_control() || character.is_whitespace()) {
        if let Some(punctuation) = in_lines(character) {
            letters.push(punctuation);
        } else if is_shape(character) {
            // A vowel mark that stands alone folds to a space and the mark.
            letters.extend(character.nfkc().filter(|letter| !letter.is_whitespace()));
        } else {
            letters.push(character);
        }
    }
    letters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ligatures_are_letters() {
        let all: String = ('\u{fb00}'..='\u{fb06}').collect();
        assert_eq!(folded(&all), "fffiflffifflstst");
        assert_eq!(folded("e\u{fb03}cient"), "efficient");
    }

    #[test]
    fn shapes_of_arabic_and_hebrew_are_their_letters() {
        assert_eq!(folded("\u{fee3}\u{feae}\u{fea3}\u{fe92}\u{fe8e}"), "مرحبا");
        assert_eq!(folded("\u{fefb}"), "\u{644}\u{627}");
        assert_eq!(folded("\u{fb2a}"), "\u{5e9}\u{5c1}");
        assert_eq!(folded("\u{fe70}"), "\u{64b}");
    }

    #[test]
    fn other_characters_stay() {
        assert_eq!(folded("m² № ① Ⅳ ﹏ Ａ e\u{301} ½"), "m² № ① Ⅳ ﹏ Ａ e\u{301} ½");
        assert_eq!(folded("a\u{1}b c"), "ab c");
    }
}
