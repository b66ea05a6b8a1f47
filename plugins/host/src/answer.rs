//! Validates an engine's answer.

use crate::contract::untxt::ocr::types;
use crate::limits::EngineLimits;
use crate::page::{Block, Line, Page, PageText, Rect, Word};

/// The answer as the host's own types.
///
/// # Errors
/// The rule that it violates.
pub(crate) fn validate(
    answer: types::PageText,
    page: &Page,
    limits: &EngineLimits,
) -> Result<PageText, String> {
    let page_bounds = PageBounds { width: page.width, height: page.height };
    if answer.html.as_ref().is_some_and(|html| html.len() > limits.html_bytes_max) {
        return Err(format!("more than {} bytes of HTML", limits.html_bytes_max));
    }
    let text = PageText {
        language: answer.language.filter(|tag| is_language(tag)),
        confidence: page_bounds.confidence(answer.confidence)?,
        attributes: answer.attributes,
        html: answer.html,
        blocks: answer.blocks.into_iter().map(|block| page_bounds.block(block)).collect::<Result<_, _>>()?,
    };
    check_sizes(&text, limits)?;
    Ok(text)
}

struct PageBounds {
    width: u32,
    height: u32,
}

impl PageBounds {
    fn block(&self, block: types::Block) -> Result<Block, String> {
        Ok(Block {
            bounds: self.bounds(block.bounds)?,
            lines: block.lines.into_iter().map(|line| self.line(line)).collect::<Result<_, _>>()?,
            role: block.role,
            attributes: block.attributes,
        })
    }

    fn line(&self, line: types::Line) -> Result<Line, String> {
        Ok(Line {
            bounds: self.bounds(line.bounds)?,
            words: line.words.into_iter().map(|word| self.word(word)).collect::<Result<_, _>>()?,
        })
    }

    fn word(&self, word: types::Word) -> Result<Word, String> {
        Ok(Word {
            bounds: self.bounds(word.bounds)?,
            confidence: self.confidence(word.confidence)?,
            text: word.text,
        })
    }

    fn bounds(&self, bounds: Option<types::Rect>) -> Result<Option<Rect>, String> {
        let Some(types::Rect { x, y, width, height }) = bounds else { return Ok(None) };
        let fits =
            |from: u32, extent: u32, whole: u32| from.checked_add(extent).is_some_and(|end| end <= whole);
        if fits(x, width, self.width) && fits(y, height, self.height) {
            return Ok(Some(Rect { x, y, width, height }));
        }
        Err(format!(
            "a box at {x},{y} of {width} x {height} exceeds the page of {} x {}",
            self.width, self.height
        ))
    }

    fn confidence(&self, confidence: Option<f32>) -> Result<Option<f32>, String> {
        match confidence {
            Some(figure) if !(0.0..=1.0).contains(&figure) => {
                Err(format!("a confidence of {figure} is outside of 0..1"))
            }
            other => Ok(other),
        }
    }
}

fn check_sizes(text: &PageText, limits: &EngineLimits) -> Result<(), String> {
    let pairs = |pairs: &[(String, String)]| {
        pairs.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>()
    };
    let (mut words, mut bytes) = (0, pairs(&text.attributes));
    for block in &text.blocks {
        bytes += block.role.len() + pairs(&block.attributes);
        for word in block.lines.iter().flat_map(|line| &line.words) {
            words += 1;
            bytes += word.text.len();
        }
    }
    if words > limits.words_max {
        return Err(format!("{words} words, and {} are allowed", limits.words_max));
    }
    if bytes > limits.text_bytes_max {
        return Err(format!("{bytes} bytes of text, and {} are allowed", limits.text_bytes_max));
    }
    Ok(())
}

/// Whether `tag` could be a BCP 47 tag: at most 35 letters, digits, hyphens.
fn is_language(tag: &str) -> bool {
    !tag.is_empty() && tag.len() <= 35 && tag.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}
