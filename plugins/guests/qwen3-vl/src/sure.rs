//! How sure the model was of each word: the mean of its tokens' logarithms, as a
//! probability.

use untxt_plugin_sdk::Block;

use crate::heard::Token;

/// Gives each word that is found among the tokens its confidence, in order;
/// returns the mean over them.
pub(crate) fn mark(blocks: &mut [Block], tokens: &[Token]) -> Option<f32> {
    let mut said = String::new();
    // Where each token ends.
    let mut ends = Vec::with_capacity(tokens.len());
    for token in tokens {
        said.push_str(&token.token);
        ends.push(said.len());
    }
    let (mut cursor, mut sum, mut count) = (0, 0.0_f32, 0_u32);
    let lines = blocks.iter_mut().flat_map(|block| &mut block.lines);
    for word in lines.flat_map(|line| &mut line.words) {
        let Some(at) = said[cursor..].find(word.text.as_str()) else { continue };
        let (start, end) = (cursor + at, cursor + at + word.text.len());
        let first = ends.partition_point(|token_end| *token_end <= start);
        let last = ends.partition_point(|token_end| *token_end < end);
        let sure = probability(&tokens[first..=last.min(tokens.len() - 1)]);
        word.confidence = sure;
        if let Some(sure) = sure {
            sum += sure;
            count += 1;
        }
        cursor = end;
    }
    (count > 0).then(|| sum / count as f32)
}

fn probability(tokens: &[Token]) -> Option<f32> {
    let mean = tokens.iter().map(|token| token.logprob).sum::<f32>() / tokens.len() as f32;
    let sure = mean.exp();
    (0.0..=1.0).contains(&sure).then_some(sure)
}

#[cfg(test)]
mod tests {
    use untxt_plugin_sdk::{Line, Word};

    use super::*;

    #[test]
    fn a_word_is_as_sure_as_its_tokens() {
        let token = |token: &str, logprob| Token { token: token.to_owned(), logprob };
        let tokens = [
            token("<p>", -9.0),
            token("He", -0.2),
            token("llo", -0.4),
            token(" wor", 0.0),
            token("ld &amp", 5.0),
            token("; co", -1.0),
        ];
        let words = ["Hello", "world", "&", "co"].map(|text| Word::new(text, None)).into();
        let mut blocks = [Block::paragraph(None, vec![Line { bounds: None, words }])];
        let mean = mark(&mut blocks, &tokens).expect("it knows of some");
        let sure: Vec<_> = blocks[0].lines[0].words.iter().map(|word| word.confidence).collect();
        let near =
            |figure: Option<f32>, wanted: f32| figure.is_some_and(|figure| (figure - wanted).abs() < 1e-3);
        assert!(near(sure[0], 0.7408) && sure[1].is_none(), "{sure:?}");
        assert!(near(sure[3], 0.3679), "{sure:?}");
        assert!(mean > 0.0 && mean < 1.0);
        assert_eq!(mark(&mut blocks, &[]), None);
    }
}
