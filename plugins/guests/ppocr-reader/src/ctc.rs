//! Classes to letters: repeats and gaps are taken out (A. Graves et al., "Connectionist
//! Temporal Classification", 2006).

/// A letter that was read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Letter {
    pub(crate) character: char,
    /// The middle of its frames.
    pub(crate) frame: f32,
    /// How likely its first frame is the letter.
    pub(crate) probability: f32,
}

/// The letters of frames, each with its class and how likely that is. `characters` are
/// those of the classes from 1 on; class 0 is none. `None` when a class is beyond them.
pub(crate) fn letters(frames: impl Iterator<Item = (f32, f32)>, characters: &[char]) -> Option<Vec<Letter>> {
    let mut letters: Vec<Letter> = Vec::new();
    let (mut last, mut since) = (0, 0);
    for (at, (class, probability)) in frames.enumerate() {
        let class = class as usize;
        if class != last {
            since = at;
        }
        if class > 0 {
            let &character = characters.get(class - 1)?;
            if class != last {
                letters.push(Letter {
                    character,
                    frame: at as f32,
                    probability: probability.clamp(0.0, 1.0),
                });
            } else if let Some(letter) = letters.last_mut() {
                letter.frame = (since + at) as f32 / 2.0;
            }
        }
        last = class;
    }
    Some(letters)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(classes: &[u8]) -> Option<Vec<Letter>> {
        letters(classes.iter().map(|class| (f32::from(*class), 0.9)), &['a', '中'])
    }

    #[test]
    fn repeats_are_one_letter_and_a_gap_makes_two() {
        let letters = read(&[0, 1, 1, 0, 1, 2, 2, 2, 0]).expect("letters");
        assert_eq!(letters.iter().map(|letter| letter.character).collect::<String>(), "aa中");
        assert_eq!(letters.iter().map(|letter| letter.frame).collect::<Vec<_>>(), [1.5, 4.0, 6.0]);
        assert_eq!(read(&[]), Some(Vec::new()));
    }

    #[test]
    fn a_class_without_a_character_is_no_letter() {
        assert_eq!(read(&[0, 3]), None);
    }
}
