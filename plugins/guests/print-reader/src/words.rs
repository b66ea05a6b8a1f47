//! Letters to words, and where these are in the line's picture.

use ink::print::Strip;

use crate::decode::Letter;

/// Of the contrast of a line, what is ink.
const INK_SHARE: f32 = 0.4;

/// A word in a line's picture.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Found {
    pub(crate) text: String,
    /// Columns of the picture.
    pub(crate) left: f32,
    pub(crate) right: f32,
    /// Rows of the picture.
    pub(crate) top: f32,
    pub(crate) bottom: f32,
    /// Of its letters.
    pub(crate) probabilities: Vec<f32>,
}

/// The words of a line, parted at its spaces. `stride` is the columns a frame.
pub(crate) fn words(letters: &[Letter], strip: &Strip, stride: usize) -> Vec<Found> {
    let column = |letter: &Letter| (letter.frame + 0.5) * stride as f32;
    let limit = ink_limit(strip);
    let mut words = Vec::new();
    let mut from = 0.0;
    let mut rest = letters;
    while let Some(start) = rest.iter().position(|letter| letter.character != ' ') {
        if let Some(space) = start.checked_sub(1) {
            from = column(&rest[space]);
        }
        rest = &rest[start..];
        let end = rest.iter().position(|letter| letter.character == ' ').unwrap_or(rest.len());
        let to = rest.get(end).map_or(strip.width as f32, column);
        words.push(word(&rest[..end], strip, (from, to), limit));
        rest = &rest[end..];
    }
    words
}

fn word(letters: &[Letter], strip: &Strip, (from, to): (f32, f32), limit: f32) -> Found {
    let columns = (from.max(0.0) as usize).min(strip.width)..(to.max(0.0) as usize).min(strip.width);
    let rows = 0..strip.height;
    let inked = |x: usize, y: usize| strip.levels[y * strip.width + x] < limit;
    let column_inked = |x: &usize| rows.clone().any(|y| inked(*x, y));
    let row_inked = |y: &usize| columns.clone().any(|x| inked(x, *y));
    let ends = |first: Option<usize>, last: Option<usize>, all: (f32, f32)| match (first, last) {
        (Some(first), Some(last)) => (first as f32, last as f32 + 1.0),
        _ => all,
    };
    let (left, right) =
        ends(columns.clone().find(column_inked), columns.clone().rev().find(column_inked), (from, to));
    let (top, bottom) =
        ends(rows.clone().find(row_inked), rows.clone().rev().find(row_inked), (0.0, strip.height as f32));
    Found {
        text: letters.iter().map(|letter| letter.character).collect(),
        left,
        right,
        top,
        bottom,
        probabilities: letters.iter().map(|letter| letter.probability).collect(),
    }
}

/// The level under which a pixel is ink.
fn ink_limit(strip: &Strip) -> f32 {
    let mut counts = [0usize; 256];
    strip.levels.iter().for_each(|level| counts[*level as usize & 255] += 1);
    let at = |share: f32| {
        let wanted = (strip.levels.len() as f32 * share) as usize;
        let mut below = 0;
        let level = (0u16..).zip(counts).find(|(_, count)| {
            below += count;
            below > wanted
        });
        level.map_or(255.0, |(level, _)| f32::from(level))
    };
    let (ink, paper) = (at(0.03), at(0.8));
    paper - (paper - ink) * INK_SHARE
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ink in columns 8 to 15 and 24 to 39, rows 3 to 6 of ten.
    fn strip() -> Strip {
        let inked =
            |x: usize, y: usize| ((8..16).contains(&x) || (24..40).contains(&x)) && (3..7).contains(&y);
        let level = |at: usize| if inked(at % 48, at / 48) { 20.0 } else { 230.0 };
        Strip { width: 48, height: 10, levels: (0..480).map(level).collect() }
    }

    fn letter(character: char, frame: f32, probability: f32) -> Letter {
        Letter { character, frame, probability }
    }

    #[test]
    fn words_part_at_spaces_and_have_the_box_of_their_ink() {
        let letters =
            [letter('a', 2.5, 0.9), letter(' ', 4.5, 0.9), letter('b', 6.5, 0.8), letter('c', 8.0, 0.6)];
        let words = words(&letters, &strip(), 4);
        let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
        assert_eq!(texts, ["a", "bc"]);
        let sides = |word: &Found| (word.left, word.right, word.top, word.bottom);
        assert_eq!(sides(&words[0]), (8.0, 16.0, 3.0, 7.0));
        assert_eq!(sides(&words[1]), (24.0, 40.0, 3.0, 7.0));
        assert_eq!((&words[0].probabilities[..], &words[1].probabilities[..]), (&[0.9][..], &[0.8, 0.6][..]));
    }

    #[test]
    fn spaces_alone_are_no_word() {
        let letters = [letter(' ', 0.0, 0.9), letter(' ', 2.0, 0.9)];
        assert_eq!(words(&letters, &strip(), 4), []);
        assert_eq!(words(&[], &strip(), 4), []);
    }

    #[test]
    fn a_word_without_ink_has_the_box_of_its_columns() {
        let blank = Strip { width: 8, height: 4, levels: vec![200.0; 32] };
        let words = words(&[letter('x', 0.5, 0.5)], &blank, 4);
        assert_eq!((words[0].left, words[0].right, words[0].top, words[0].bottom), (0.0, 8.0, 0.0, 4.0));
    }
}
