//! Probabilities to letters: the likeliest class of each frame, repeats and gaps
//! taken out (A. Graves et al., "Connectionist Temporal Classification", 2006).

use crate::network::Frames;

/// A letter that was read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Letter {
    pub(crate) character: char,
    /// The middle of its frames.
    pub(crate) frame: f32,
    pub(crate) probability: f32,
}

/// The letters of a line; `characters` are those of the classes from 1 on.
pub(crate) fn letters(frames: &Frames, characters: &[char]) -> Vec<Letter> {
    let mut letters: Vec<Letter> = Vec::new();
    let (mut last, mut since) = (0, 0);
    for (at, frame) in frames.iter().enumerate() {
        let (class, probability) = likeliest(frame);
        if class != last {
            since = at;
        }
        let character = class.checked_sub(1).and_then(|index| characters.get(index));
        if let Some(&character) = character {
            if class != last {
                letters.push(Letter { character, frame: at as f32, probability });
            } else if let Some(letter) = letters.last_mut() {
                letter.frame = (since + at) as f32 / 2.0;
                letter.probability = letter.probability.max(probability);
            }
        }
        last = class;
    }
    letters
}

fn likeliest(frame: &[f32]) -> (usize, f32) {
    let classes = frame.iter().copied().enumerate();
    classes.fold((0, f32::NEG_INFINITY), |best, one| if one.1 > best.1 { one } else { best })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames in which each class named has nine tenths.
    fn frames(classes: &[usize]) -> Frames {
        let score = |class: usize| move |at: usize| if at == class { 0.9_f32.ln() } else { 0.05_f32.ln() };
        Frames::of(classes.iter().flat_map(|&class| (0..3).map(score(class))).collect(), 3)
    }

    fn text(letters: &[Letter]) -> String {
        letters.iter().map(|letter| letter.character).collect()
    }

    #[test]
    fn repeats_are_one_letter_and_a_gap_makes_two() {
        let letters = letters(&frames(&[0, 1, 1, 0, 1, 2, 2, 2, 0]), &['a', 'b']);
        assert_eq!(text(&letters), "aab");
        let places: Vec<f32> = letters.iter().map(|letter| letter.frame).collect();
        assert_eq!(places, [1.5, 4.0, 6.0]);
        assert!(letters.iter().all(|letter| (letter.probability - 0.9).abs() < 1e-3));
    }

    #[test]
    fn no_frames_are_no_letters() {
        assert_eq!(letters(&frames(&[]), &['a', 'b']), []);
        assert_eq!(letters(&frames(&[0, 0]), &['a', 'b']), []);
    }
}
