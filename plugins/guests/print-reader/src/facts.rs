//! What goes with the weights.

use serde::Deserialize;

/// What goes with the weights: the trainer writes it.
#[derive(Deserialize)]
struct File {
    /// The character of class 1, 2 ...; class 0 is none.
    characters: String,
    /// Rows of a line's picture.
    height: usize,
    /// Columns of a line's picture a frame of the answer.
    stride: usize,
    /// How often letters of a probability were right, by probability.
    confidence: Vec<(f32, f32)>,
}

/// The same, checked.
pub(crate) struct Facts {
    pub(crate) characters: Vec<char>,
    pub(crate) height: usize,
    pub(crate) stride: usize,
    confidence: Vec<(f32, f32)>,
}

impl Facts {
    pub(crate) fn parse(json: &str) -> Result<Self, String> {
        let file: File = serde_json::from_str(json).map_err(|error| format!("the facts: {error}"))?;
        let sorted = file.confidence.windows(2).all(|pair| pair[0].0 < pair[1].0);
        if file.height == 0 || file.stride == 0 || file.confidence.is_empty() || !sorted {
            return Err("the facts: a figure that can't be".to_owned());
        }
        Ok(Self {
            characters: file.characters.chars().collect(),
            height: file.height,
            stride: file.stride,
            confidence: file.confidence,
        })
    }

    /// How likely a word is right to whose letters the network gives these
    /// probabilities: it is right if all of them are.
    pub(crate) fn word(&self, probabilities: &[f32]) -> f32 {
        probabilities.iter().map(|&probability| self.letter(probability)).product()
    }

    /// How likely a letter is right that has this probability.
    pub(crate) fn letter(&self, probability: f32) -> f32 {
        let above = self.confidence.iter().position(|(from, _)| *from > probability);
        let likely = match above {
            None => self.confidence.last().map_or(0.0, |(_, likely)| *likely),
            Some(0) => self.confidence[0].1,
            Some(at) => {
                let ((from, low), (to, high)) = (self.confidence[at - 1], self.confidence[at]);
                low + (high - low) * (probability - from) / (to - from)
            }
        };
        likely.clamp(0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(confidence: &str) -> Result<Facts, String> {
        Facts::parse(&format!(
            r#"{{"characters": " ab", "blank": 0, "height": 32, "stride": 4, "confidence": {confidence}}}"#
        ))
    }

    #[test]
    fn a_probability_between_two_is_between_theirs() {
        let facts = facts("[[0.2, 0.1], [0.6, 0.5], [1.0, 0.98]]").expect("they are facts");
        let close = |probability: f32, likely: f32| (facts.letter(probability) - likely).abs() < 1e-5;
        assert!(close(0.0, 0.1) && close(0.2, 0.1) && close(0.4, 0.3) && close(0.6, 0.5) && close(0.8, 0.74));
        assert!(close(1.0, 0.98) && close(1.5, 0.98));
        assert!((facts.word(&[1.0, 0.6]) - 0.49).abs() < 1e-5);
        assert_eq!((facts.characters.as_slice(), facts.height, facts.stride), (&[' ', 'a', 'b'][..], 32, 4));
    }

    #[test]
    fn what_can_not_be_is_refused() {
        for confidence in ["[]", "[[0.5, 1.0], [0.5, 1.0]]", "[[0.5, 1.0], [0.2, 1.0]]", "0"] {
            assert!(facts(confidence).is_err(), "{confidence}");
        }
        assert!(Facts::parse("{}").is_err());
    }
}
