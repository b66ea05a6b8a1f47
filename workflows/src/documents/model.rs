//! The neutral result: pages, blocks, lines, words. Every engine is read into
//! it and every format is made from it. Its JSON is a stored format.

use serde::{Deserialize, Serialize};

/// What is known of a document after recognition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    /// Of this format; see [`Document::VERSION`].
    pub version: u32,
    /// Who recognised it.
    pub engine: Engine,
    /// BCP 47, of the first page that has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// In order.
    pub pages: Vec<Page>,
}

/// Who recognised a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Engine {
    /// Name it was asked for by.
    pub name: String,
    /// SHA-256 of the component, hexadecimal.
    pub digest: String,
    /// Whether it made text up.
    pub simulated: bool,
}

/// One page.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Page {
    /// Place in the document, from 0.
    pub index: u32,
    /// Pixels of the page image.
    pub width: u32,
    /// Pixels of the page image.
    pub height: u32,
    /// Dots per inch of the page image.
    pub dpi: u32,
    /// Whether it was recognised.
    #[serde(flatten)]
    pub status: PageStatus,
    /// The engine's own figure for the page, 0..1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f32>,
    /// What confidences of this page are worth.
    pub confidence_kind: ConfidenceKind,
    /// Why the engine stopped, in its own word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<String>,
    /// Whether the engine made the text up.
    #[serde(default)]
    pub simulated: bool,
    /// BCP 47.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Attempts it took.
    pub attempts: u32,
    /// Whether a second-best source stood in for the engine.
    #[serde(default)]
    pub fallback: bool,
    /// The engine's own rendering, sanitised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub html: Option<String>,
    /// What stands on it, in reading order.
    pub blocks: Vec<Block>,
}

/// Whether a page was recognised.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "camelCase")]
pub enum PageStatus {
    /// It was.
    #[default]
    Recognized,
    /// It was not, and won't be.
    Failed {
        /// Stable code.
        code: String,
        /// For people.
        message: String,
    },
}

/// What a confidence is worth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ConfidenceKind {
    /// 0.9 means that nine of ten such are right.
    Calibrated,
    /// From a model's token probabilities.
    Logprob,
    /// Higher is better; nothing more is known.
    Uncalibrated,
    /// There is none.
    #[default]
    None,
}

impl ConfidenceKind {
    const ALL: [Self; 4] = [Self::Calibrated, Self::Logprob, Self::Uncalibrated, Self::None];

    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Calibrated => "calibrated",
            Self::Logprob => "logprob",
            Self::Uncalibrated => "uncalibrated",
            Self::None => "none",
        }
    }

    /// The kind that `word` stands for; `None` for a word nobody knows, since
    /// an unknown promise is none.
    #[must_use]
    pub fn parse(word: &str) -> Self {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word).unwrap_or_default()
    }
}

/// Lines that belong together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Block {
    /// `paragraph`, `heading`, `table`, `figure`, `list`, `caption` or `other`.
    pub role: String,
    /// Where it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bounds: Option<Rect>,
    /// Top to bottom.
    pub lines: Vec<Line>,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// Where it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bounds: Option<Rect>,
    /// In reading order.
    pub words: Vec<Word>,
}

/// One word.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Word {
    /// What it says.
    pub text: String,
    /// Where it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bounds: Option<Rect>,
    /// 0..1; absent when the engine has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f32>,
}

/// A box in parts of the page: 0..1 from the left and the top.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rect {
    /// Left edge.
    pub x: f32,
    /// Top edge.
    pub y: f32,
    /// Extent to the right.
    pub width: f32,
    /// Extent downwards.
    pub height: f32,
}

impl Line {
    /// Its words with single spaces between them.
    #[must_use]
    pub fn text(&self) -> String {
        let words: Vec<&str> = self.words.iter().map(|word| word.text.as_str()).collect();
        words.join(" ")
    }
}

impl Block {
    /// Its lines with line breaks between them.
    #[must_use]
    pub fn text(&self) -> String {
        let lines: Vec<String> = self.lines.iter().map(Line::text).collect();
        lines.join("\n")
    }
}

impl Page {
    /// Its words, in order.
    pub fn words(&self) -> impl Iterator<Item = &Word> {
        self.blocks.iter().flat_map(|block| &block.lines).flat_map(|line| &line.words)
    }

    /// The mean over its words that have a confidence; else the engine's own
    /// figure for the page. `None` where the page's kind says that its figures
    /// are worth nothing.
    #[must_use]
    pub fn mean_confidence(&self) -> Option<f32> {
        mean(self.word_confidences()).or_else(|| self.confidence.filter(|_| self.is_rated()))
    }

    /// Whether figures of this page are worth anything.
    fn is_rated(&self) -> bool {
        self.confidence_kind != ConfidenceKind::None
    }

    fn word_confidences(&self) -> impl Iterator<Item = f32> {
        self.words().filter_map(|word| word.confidence.filter(|_| self.is_rated()))
    }
}

impl Document {
    /// The version that this program writes.
    pub const VERSION: u32 = 1;

    /// Characters of text, without the white space between words.
    #[must_use]
    pub fn text_length(&self) -> usize {
        self.pages.iter().flat_map(Page::words).map(|word| word.text.chars().count()).sum()
    }

    /// The mean over all words that have a confidence, else over the pages that
    /// do; `None` when nothing has.
    #[must_use]
    pub fn confidence(&self) -> Option<f32> {
        let words = self.pages.iter().flat_map(Page::word_confidences);
        mean(words).or_else(|| mean(self.pages.iter().filter_map(Page::mean_confidence)))
    }

    /// What that figure is worth: as much as the least of its pages says.
    #[must_use]
    pub fn confidence_kind(&self) -> ConfidenceKind {
        let kinds = self.pages.iter().filter(|page| page.status == PageStatus::Recognized);
        let least = kinds.map(|page| page.confidence_kind).max_by_key(|kind| *kind as u8);
        least.unwrap_or_default()
    }

    /// Pages that could not be recognised, from 1.
    #[must_use]
    pub fn failed_pages(&self) -> Vec<u32> {
        let failed = self.pages.iter().filter(|page| page.status != PageStatus::Recognized);
        failed.map(|page| page.index + 1).collect()
    }
}

#[expect(clippy::cast_precision_loss, reason = "a mean over words does not need more than 24 bits of count")]
fn mean(figures: impl Iterator<Item = f32>) -> Option<f32> {
    let (sum, count) = figures.fold((0.0, 0_u32), |(sum, count), figure| (sum + figure, count + 1));
    (count > 0).then(|| sum / count as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(kind: ConfidenceKind, confidence: Option<f32>) -> Page {
        let word = Word { text: "Grüße".to_owned(), bounds: None, confidence };
        let line = Line { bounds: None, words: vec![word] };
        let block = Block { role: "paragraph".to_owned(), bounds: None, lines: vec![line] };
        Page { confidence_kind: kind, blocks: vec![block], attempts: 1, ..Page::default() }
    }

    fn document(pages: Vec<Page>) -> Document {
        let engine = Engine { name: "e".to_owned(), digest: "d".to_owned(), simulated: false };
        Document { version: Document::VERSION, engine, language: None, pages }
    }

    #[test]
    fn figures_are_means_and_promise_no_more_than_the_least_page() {
        let pages =
            vec![page(ConfidenceKind::Calibrated, Some(0.5)), page(ConfidenceKind::Uncalibrated, Some(1.0))];
        let two = document(pages);
        assert_eq!((two.text_length(), two.confidence()), (10, Some(0.75)));
        assert_eq!(two.confidence_kind(), ConfidenceKind::Uncalibrated);
    }

    #[test]
    fn a_figure_of_a_kind_that_promises_nothing_is_none() {
        let none = document(vec![page(ConfidenceKind::None, Some(0.9))]);
        assert_eq!((none.confidence(), none.confidence_kind()), (None, ConfidenceKind::None));
        assert_eq!(none.pages[0].mean_confidence(), None);
    }

    #[test]
    fn the_stored_form_stays_what_it_is() {
        let failed = PageStatus::Failed { code: "PAGE_TIMEOUT".to_owned(), message: "late".to_owned() };
        let page = Page { index: 3, status: failed, attempts: 2, ..Page::default() };
        let stored = serde_json::to_string(&document(vec![page])).unwrap();
        assert_eq!(
            stored,
            concat!(
                r#"{"version":1,"engine":{"name":"e","digest":"d","simulated":false},"pages":[{"index":3,"width":0,"#,
                r#""height":0,"dpi":0,"status":"failed","code":"PAGE_TIMEOUT","message":"late","#,
                r#""confidenceKind":"none","simulated":false,"attempts":2,"fallback":false,"blocks":[]}]}"#
            )
        );
        let read: Document = serde_json::from_str(&stored).unwrap();
        assert_eq!(read.failed_pages(), [4]);
    }
}
