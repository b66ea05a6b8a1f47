//! Letters to words, and which part of the line each takes.

use std::ops::Range;

use crate::ctc::Letter;
use crate::picture::Picture;

/// Of the contrast of a line, what a column of ink has.
const INK_SHARE: f32 = 0.4;

/// A word in a line.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Found {
    pub(crate) text: String,
    /// Where it begins and ends, as shares of the line's length.
    pub(crate) from: f32,
    pub(crate) to: f32,
    /// The mean of its letters' probabilities.
    pub(crate) confidence: f32,
}

/// The words of a line, parted at its spaces. `frames` is how many frames the picture of
/// the line takes.
pub(crate) fn words(letters: &[Letter], line: &Picture, frames: f32) -> Vec<Found> {
    let ink = inked(line);
    let column = |letter: &Letter| ((letter.frame + 0.5) / frames * line.width as f32) as usize;
    let is_space = |letter: &Letter| letter.character.is_whitespace();
    let (mut words, mut at) = (Vec::new(), 0_usize);
    for group in letters.chunk_by(|a, b| is_space(a) == is_space(b)) {
        let before = at.checked_sub(1).and_then(|at| letters.get(at));
        at += group.len();
        if is_space(&group[0]) {
            continue;
        }
        let to = letters.get(at).map_or(line.width, column).min(line.width);
        let columns = trimmed(&ink, before.map_or(0, column).min(to)..to);
        words.push(Found {
            text: group.iter().map(|letter| letter.character).collect(),
            from: columns.start as f32 / line.width as f32,
            to: columns.end as f32 / line.width as f32,
            confidence: group.iter().map(|letter| letter.probability).sum::<f32>() / group.len() as f32,
        });
    }
    words
}

/// For each column whether there is ink, on paper of either shade.
fn inked(line: &Picture) -> Vec<bool> {
    let contrast = |x: usize| {
        let levels = (0..line.height).map(|y| line.data[(y * line.width + x) * 3 + 1]);
        let (low, high) = levels.fold((u8::MAX, 0), |(low, high), level| (low.min(level), high.max(level)));
        f32::from(high - low)
    };
    let contrasts: Vec<f32> = (0..line.width).map(contrast).collect();
    let most = contrasts.iter().copied().fold(0.0, f32::max);
    contrasts.into_iter().map(|contrast| contrast > INK_SHARE * most).collect()
}

/// The columns from the first to the last with ink; all where there is none.
fn trimmed(ink: &[bool], columns: Range<usize>) -> Range<usize> {
    let first = columns.clone().find(|&x| ink[x]);
    let last = columns.clone().rev().find(|&x| ink[x]);
    first.zip(last).map_or(columns, |(first, last)| first..last + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ink in columns 8 to 15 and 24 to 39.
    fn line(ink: u8, paper: u8) -> Picture {
        let inked = |x: usize, y: usize| (y == 3) && ((8..16).contains(&x) || (24..40).contains(&x));
        let level = |at: usize| if inked(at % 48, at / 48) { ink } else { paper };
        Picture::new(48, 8, (0..48 * 8).flat_map(|at| [level(at); 3]).collect()).expect("a line")
    }

    fn letter(character: char, frame: f32, probability: f32) -> Letter {
        Letter { character, frame, probability }
    }

    #[test]
    fn words_part_at_spaces_and_end_with_their_ink() {
        let letters = [
            letter('a', 1.0, 0.9),
            letter(' ', 2.0, 0.9),
            letter(' ', 2.2, 0.9),
            letter('中', 3.5, 0.8),
            letter('c', 4.0, 0.6),
        ];
        for line in [line(20, 230), line(250, 30)] {
            let words = words(&letters, &line, 6.0);
            let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
            assert_eq!(texts, ["a", "中c"]);
            let places: Vec<_> = words.iter().map(|word| (word.from * 48.0, word.to * 48.0)).collect();
            assert_eq!(places, [(8.0, 16.0), (24.0, 40.0)]);
            assert!((words[1].confidence - 0.7).abs() < 1e-6);
        }
    }

    #[test]
    fn a_word_without_ink_has_its_columns() {
        let blank = Picture::new(10, 2, vec![200; 60]).expect("a line");
        let words = words(&[letter('x', 0.0, 0.5), letter(' ', 2.0, 0.5)], &blank, 5.0);
        assert_eq!((words[0].from, words[0].to), (0.0, 0.5));
        assert!(super::words(&[letter(' ', 0.0, 0.5)], &blank, 5.0).is_empty());
    }
}
