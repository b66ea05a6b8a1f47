//! Chinese and Japanese: letters that are as wide as high, and words that no space
//! divides.

use unicode_normalization::UnicodeNormalization;

use super::glyph::Glyph;

/// Whether `character` is one of these: ideographs, kana and bopomofo, their
/// punctuation, and the forms of others that are as wide. Korean has spaces.
pub(super) fn is_wide(character: char) -> bool {
    matches!(character,
        '\u{2e80}'..='\u{312f}' | '\u{31a0}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{fe10}'..='\u{fe1f}' | '\u{fe30}'..='\u{fe4f}' | '\u{ff01}'..='\u{ff9f}'
        | '\u{ffe0}'..='\u{ffe6}' | '\u{20000}'..='\u{3ffff}')
}

/// Whether a letter of this kind follows another one.
pub(super) fn are_wide(one: &Glyph, next: &Glyph) -> bool {
    one.text.chars().next_back().is_some_and(is_wide) && next.text.chars().next().is_some_and(is_wide)
}

/// Punctuation as it stands in lines, for the forms that stand in columns (Unicode,
/// Vertical Forms and CJK Compatibility Forms).
pub(super) fn in_lines(character: char) -> Option<char> {
    match character {
        '\u{fe19}' => Some('…'),
        '\u{fe30}' => Some('‥'),
        '\u{fe33}' | '\u{fe34}' => Some('＿'),
        '\u{fe10}'..='\u{fe18}' | '\u{fe31}'..='\u{fe44}' | '\u{fe47}' | '\u{fe48}' => {
            let plain = std::iter::once(character).nfkc().next()?;
            let wide = u32::from(plain) + 0xfee0;
            if plain.is_ascii() { char::from_u32(wide) } else { Some(plain) }
        }
        _ => None,
    }
}

/// Letters that are drawn one below the other, as some programs write columns in
/// fonts for lines, follow each other downwards.
pub(super) fn stood_up(mut glyphs: Vec<Glyph>) -> Vec<Glyph> {
    let mut first = 0;
    while first < glyphs.len() {
        let below = glyphs[first..].windows(2).take_while(|pair| is_below(&pair[0], &pair[1])).count();
        let end = first + below + 1;
        if end - first >= COLUMN_MIN {
            glyphs[first..end].iter_mut().for_each(stand_up);
        }
        first = end;
    }
    glyphs
}

/// Letters of a column: two may be one of a table.
const COLUMN_MIN: usize = 3;

/// Letters of a column are at most this many of their sizes apart; lines are
/// further from each other than letters.
const PITCH_MAX: f64 = 1.4;

/// How far letters of a column may stand beside each other, in sizes: punctuation
/// has its own place.
const BESIDE_MAX: f64 = 0.3;

fn is_below(one: &Glyph, next: &Glyph) -> bool {
    let is_letter = |glyph: &Glyph| {
        let mut letters = glyph.text.chars();
        letters.next().is_some_and(is_wide) && letters.next().is_none()
    };
    let down = one.along.turn_90();
    let way = next.start - one.start;
    is_letter(one)
        && is_letter(next)
        && !one.mirrored
        && !next.mirrored
        && one.along.dot(next.along) > 0.99
        && way.dot(one.along).abs() < BESIDE_MAX * one.size
        && (0.5 * one.size..PITCH_MAX * one.size).contains(&way.dot(down))
}

fn stand_up(glyph: &mut Glyph) {
    let down = glyph.along.turn_90();
    glyph.start += glyph.along * (glyph.advance / 2.0) - down * (glyph.size / 2.0);
    glyph.along = down;
    glyph.advance = glyph.size;
}

#[cfg(test)]
mod tests {
    use super::super::sample::{SIZE, typed};
    use super::*;

    fn column(text: &str, x: f64, pitch: f64) -> Vec<Glyph> {
        let letters = text.chars().enumerate();
        letters
            .flat_map(|(at, letter)| typed(&letter.to_string(), x, 100.0 + at as f64 * pitch * SIZE))
            .collect()
    }

    fn standing(glyphs: Vec<Glyph>) -> usize {
        stood_up(glyphs).iter().filter(|glyph| glyph.along.y > 0.9).count()
    }

    #[test]
    fn letters_below_each_other_are_a_column() {
        assert_eq!(standing(column("縦書きの一行", 50.0, 1.0)), 6);
        assert_eq!(standing(column("縦書", 50.0, 1.0)), 0, "too few to tell");
        assert_eq!(standing(column("縦書きの一行", 50.0, 1.8)), 0, "lines of one letter");
        assert_eq!(standing(column("column", 50.0, 1.0)), 0, "no ideographs");
        assert_eq!(standing(typed("横書きの一行", 50.0, 100.0)), 0);
        let two = [column("右の一行", 90.0, 1.0), column("左の一行", 50.0, 1.0)].concat();
        assert_eq!(standing(two), 8);
    }

    #[test]
    fn punctuation_of_columns_is_that_of_lines() {
        let columns = "︐︑︒︓︔︕︖︗︘︙︰︱︲︵︶︷︸︹︺︻︼︽︾︿﹀﹁﹂﹃﹄﹇﹈";
        let lines: String = columns.chars().filter_map(in_lines).collect();
        assert_eq!(lines, "，、。：；！？〖〗…‥—–（）｛｝〔〕【】《》〈〉「」『』［］");
        assert_eq!(in_lines('﹏'), None);
    }
}
