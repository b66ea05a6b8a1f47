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
    /// Where its text comes from.
    #[serde(default)]
    pub source: PageSource,
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
    /// What of it could not be drawn, and so not be read; for people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
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

/// Where the text of a page comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PageSource {
    /// The engine was asked. One that reads text layers may have found it there.
    #[default]
    Engine,
    /// The file's own text layer; the engine was not asked.
    TextLayer,
}

impl PageSource {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Engine => "engine",
            Self::TextLayer => "text-layer",
        }
    }
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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Block {
    /// `paragraph`, `heading`, `table`, `figure`, `list`, `caption` or `other`.
    pub role: String,
    /// Where it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bounds: Option<Rect>,
    /// Its corners, where the engine knows them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corners: Option<Corners>,
    /// In reading order; of a table, those of its cells are among them.
    pub lines: Vec<Line>,
    /// Its cells, where the engine knows them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<Table>,
}

/// The cells of a table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Table {
    /// Number of rows.
    pub rows: u32,
    /// Number of columns.
    pub columns: u32,
    /// In reading order. They lie in the table, and no two overlap; a place without
    /// one is empty.
    pub cells: Vec<Cell>,
}

/// A cell of a table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cell {
    /// Its first row, from 0.
    pub row: u32,
    /// Its first column, from 0.
    pub column: u32,
    /// Rows that it takes up, at least 1.
    pub row_span: u32,
    /// Columns that it takes up, at least 1.
    pub column_span: u32,
    /// Whether it names the rows or columns beside it.
    pub header: bool,
    /// Where it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bounds: Option<Rect>,
    /// Places in the block's `lines` of those that stand in it, in reading order.
    pub lines: Vec<usize>,
}

/// One line.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// Where it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bounds: Option<Rect>,
    /// Its corners, where the engine knows them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corners: Option<Corners>,
    /// In reading order.
    pub words: Vec<Word>,
}

/// One word.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Word {
    /// What it says.
    pub text: String,
    /// Where it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bounds: Option<Rect>,
    /// Its corners, where the engine knows them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corners: Option<Corners>,
    /// 0..1; absent when the engine has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f32>,
    /// Other readings, the likeliest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alternatives: Vec<Alternative>,
}

/// Another reading of a word.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Alternative {
    /// What it says.
    pub text: String,
    /// 0..1; absent when the engine has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f32>,
}

/// Corners of text as it is read, clockwise from its upper left: x and y in parts of
/// the page, 0..1 from the left and the top.
pub type Corners = [[f32; 2]; 4];

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

/// Lines of a block that stand in one cell, or in none.
pub(super) struct Part<'a> {
    /// The cell.
    pub(super) cell: Option<&'a Cell>,
    /// With their places in the block.
    pub(super) lines: Vec<(usize, &'a Line)>,
}

impl Part<'_> {
    /// Its lines with `between` between them.
    pub(super) fn text(&self, between: &str) -> String {
        let lines: Vec<String> = self.lines.iter().map(|(_, line)| line.text()).collect();
        lines.join(between)
    }
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
    /// Its lines with their places in `lines`: those in no cell, if there are any or
    /// there is no table, and then those of each cell.
    pub(super) fn parts(&self) -> Vec<Part<'_>> {
        let cells = self.table.iter().flat_map(|table| &table.cells);
        let mut loose: Vec<Option<&Line>> = self.lines.iter().map(Some).collect();
        let mut in_cells: Vec<Part<'_>> = Vec::new();
        for cell in cells {
            let line = |at: &usize| Some((*at, loose.get_mut(*at)?.take()?));
            in_cells.push(Part { cell: Some(cell), lines: cell.lines.iter().filter_map(line).collect() });
        }
        let loose: Vec<_> = (0..).zip(loose).filter_map(|(at, line)| line.map(|line| (at, line))).collect();
        let first = (!loose.is_empty() || self.table.is_none()).then_some(Part { cell: None, lines: loose });
        first.into_iter().chain(in_cells).collect()
    }

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
        mean(self.word_confidences()).or_else(|| self.rated(self.confidence))
    }

    /// Whether figures of this page are worth anything.
    fn is_rated(&self) -> bool {
        self.confidence_kind != ConfidenceKind::None
    }

    /// The confidence of `word`, which is one of it, if it is worth anything.
    pub(super) fn confidence_of(&self, word: &Word) -> Option<f32> {
        self.rated(word.confidence)
    }

    /// A figure of this page, if it is worth anything.
    pub(super) fn rated(&self, confidence: Option<f32>) -> Option<f32> {
        confidence.filter(|_| self.is_rated())
    }

    /// Confidences of its words, where they are worth anything.
    pub(super) fn word_confidences(&self) -> impl Iterator<Item = f32> {
        self.words().filter_map(|word| self.confidence_of(word))
    }
}

impl Document {
    /// The version that this program writes.
    pub const VERSION: u32 = 1;
}

impl Rect {
    /// The same without digits that say less than half a pixel of a page of this
    /// size, of which both edges have a share: four decimals up to 4,999 pixels a
    /// side, five above (a side has at most 30,000).
    #[must_use]
    pub fn rounded(self, width: u32, height: u32) -> Self {
        let round = |part| round(part, width, height);
        Self { x: round(self.x), y: round(self.y), width: round(self.width), height: round(self.height) }
    }
}

/// A part of a page's side, as [`Rect::rounded`] has them.
pub(crate) fn round(part: f32, width: u32, height: u32) -> f32 {
    let scale = if width.max(height) < 5_000 { 1e4 } else { 1e5 };
    (part * scale).round() / scale
}

#[expect(clippy::cast_precision_loss, reason = "a mean over words does not need more than 24 bits of count")]
fn mean(figures: impl Iterator<Item = f32>) -> Option<f32> {
    let (sum, count) = figures.fold((0.0, 0_u32), |(sum, count), figure| (sum + figure, count + 1));
    (count > 0).then(|| sum / count as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(pages: Vec<Page>) -> Document {
        let engine = Engine { name: "e".to_owned(), digest: "d".to_owned(), simulated: false };
        Document { version: Document::VERSION, engine, language: None, pages }
    }

    #[test]
    fn places_keep_the_digits_that_tell_pixels_apart() {
        for side in [1_u32, 999, 4_999, 5_000, 30_000] {
            for pixel in [0, 1, side / 3, side / 2, side - 1, side] {
                let part = pixel as f32 / side as f32;
                let rect = Rect { x: part, y: part, width: 1.0 - part, height: 1.0 - part };
                let kept = rect.rounded(side, side);
                assert_eq!((kept.x * side as f32).round() as u32, pixel, "{side}");
                assert_eq!(((kept.x + kept.width) * side as f32).round() as u32, side, "{side}");
            }
        }
        let third = Rect { x: 1.0 / 3.0, y: 0.0, width: 0.5, height: 1.0 }.rounded(1_000, 1_400);
        assert_eq!(
            serde_json::to_string(&third).unwrap(),
            r#"{"x":0.3333,"y":0.0,"width":0.5,"height":1.0}"#
        );
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
                r#""source":"engine","confidenceKind":"none","simulated":false,"attempts":2,"fallback":false,"blocks":[]}]}"#
            )
        );
        let read: Document = serde_json::from_str(&stored).unwrap();
        assert_eq!(read.pages[0].index, 3);
    }
}
