//! The figures of a recognised page: what a list of pages shows. They are read from
//! the page's stored result without building all of it, and are kept in memory.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Deserialize;
use untxt_engine::id::RunId;

use crate::documents::model::{ConfidenceKind, PageSource};

/// Words with less confidence count as doubtful.
pub const DOUBTFUL_BELOW: f32 = 0.6;

/// Pages that are kept in memory, some 100 bytes each. When there are more, all are
/// read again.
const KNOWN_MAX: usize = 50_000;

/// The figures of a page.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PageFigures {
    /// Where its text comes from.
    pub source: PageSource,
    /// The engine's own figure for the page, 0..1; `None` where figures of this page
    /// are worth nothing.
    pub confidence: Option<f32>,
    /// What confidences of this page are worth.
    pub confidence_kind: ConfidenceKind,
    /// Pixels of the page image.
    pub width: u32,
    /// Pixels of the page image.
    pub height: u32,
    /// Its words; `None` if they were not counted.
    pub words: Option<WordCount>,
}

/// How many words a page has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WordCount {
    /// All of them.
    pub all: u32,
    /// Those with a confidence below [`DOUBTFUL_BELOW`]; none where confidences are
    /// worth nothing.
    pub doubtful: u32,
}

impl PageFigures {
    /// The figures in a page's stored result. Its words are passed over unless they
    /// are to be counted.
    ///
    /// # Errors
    /// When the text is no stored page.
    pub(crate) fn read(stored: &str, count_words: bool) -> Result<Self, serde_json::Error> {
        let head: Head = serde_json::from_str(stored)?;
        let is_rated = head.confidence_kind != ConfidenceKind::None;
        let words = if count_words {
            let words: Words = serde_json::from_str(stored)?;
            Some(words.count(is_rated))
        } else {
            None
        };
        Ok(Self {
            source: head.source,
            confidence: head.confidence.filter(|_| is_rated),
            confidence_kind: head.confidence_kind,
            width: head.width,
            height: head.height,
            words,
        })
    }
}

/// A page without what stands on it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    #[serde(default)]
    source: PageSource,
    #[serde(default)]
    confidence: Option<f32>,
    confidence_kind: ConfidenceKind,
    width: u32,
    height: u32,
}

/// The words of a page without their texts and places.
#[derive(Deserialize)]
struct Words {
    blocks: Vec<Block>,
}

#[derive(Deserialize)]
struct Block {
    lines: Vec<Line>,
}

#[derive(Deserialize)]
struct Line {
    words: Vec<Word>,
}

#[derive(Deserialize)]
struct Word {
    #[serde(default)]
    confidence: Option<f32>,
}

impl Words {
    fn count(&self, is_rated: bool) -> WordCount {
        let words = self.blocks.iter().flat_map(|block| &block.lines).flat_map(|line| &line.words);
        let mut count = WordCount::default();
        for word in words {
            count.all += 1;
            let is_doubtful = is_rated && word.confidence.is_some_and(|known| known < DOUBTFUL_BELOW);
            count.doubtful += u32::from(is_doubtful);
        }
        count
    }
}

/// A page's result: the run, the item, and the claim under which it was recorded.
/// Another result of the same page has another claim.
pub(crate) type ResultId = (RunId, u32, u64);

/// The figures that were read lately.
#[derive(Debug, Default)]
pub(crate) struct KnownFigures(Mutex<HashMap<ResultId, PageFigures>>);

impl KnownFigures {
    pub(crate) fn get(&self, result: ResultId, with_words: bool) -> Option<PageFigures> {
        self.known().get(&result).copied().filter(|figures| !with_words || figures.words.is_some())
    }

    pub(crate) fn remember(&self, result: ResultId, figures: PageFigures) {
        let mut known = self.known();
        if known.len() >= KNOWN_MAX && !known.contains_key(&result) {
            known.clear();
        }
        known.insert(result, figures);
    }

    fn known(&self) -> MutexGuard<'_, HashMap<ResultId, PageFigures>> {
        // No panic leaves it half written.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::model::{Block, Line, Page, Word};

    fn page(kind: ConfidenceKind) -> String {
        let word = |confidence| Word { text: "a".to_owned(), confidence, ..Word::default() };
        let words = vec![word(Some(0.59)), word(Some(0.6)), word(None)];
        let line = Line { words, ..Line::default() };
        let blocks = vec![Block { lines: vec![line.clone(), line], ..Block::default() }];
        let page = Page {
            width: 7,
            height: 9,
            confidence: Some(0.75),
            confidence_kind: kind,
            blocks,
            ..Page::default()
        };
        serde_json::to_value(page).unwrap().to_string()
    }

    #[test]
    fn figures_are_those_of_the_stored_page() {
        let figures = PageFigures::read(&page(ConfidenceKind::Calibrated), false).unwrap();
        assert_eq!((figures.width, figures.height, figures.words), (7, 9, None));
        assert_eq!((figures.confidence, figures.source), (Some(0.75), PageSource::Engine));
        let counted = PageFigures::read(&page(ConfidenceKind::Calibrated), true).unwrap();
        assert_eq!(counted.words, Some(WordCount { all: 6, doubtful: 2 }));
    }

    #[test]
    fn figures_that_are_worth_nothing_doubt_nothing() {
        let figures = PageFigures::read(&page(ConfidenceKind::None), true).unwrap();
        assert_eq!((figures.confidence, figures.words), (None, Some(WordCount { all: 6, doubtful: 0 })));
        assert!(PageFigures::read("{}", false).is_err());
    }

    #[test]
    fn so_many_are_kept_and_no_more() {
        let (known, run) = (KnownFigures::default(), RunId::new());
        let figures = PageFigures::read(&page(ConfidenceKind::None), false).unwrap();
        known.remember((run, 0, 1), figures);
        assert_eq!(known.get((run, 0, 1), false), Some(figures));
        assert_eq!(known.get((run, 0, 1), true), None, "its words were not counted");
        assert_eq!(known.get((run, 0, 2), false), None, "another result of the page");
        for index in 1..=u32::try_from(KNOWN_MAX).unwrap() {
            known.remember((run, index, 1), figures);
        }
        assert!(known.known().len() <= KNOWN_MAX);
        assert_eq!(known.get((run, 0, 1), false), None);
    }
}
