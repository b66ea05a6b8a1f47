//! What is said of a document as a whole, gathered page by page: the pages of a
//! long one are never in memory together.

use serde::{Deserialize, Serialize};

use super::model::{ConfidenceKind, Page, PageSource, PageStatus};

/// Warnings of a document that are listed; the others are counted, and stand with
/// their pages in the result.
const WARNINGS_MAX: usize = 50;

/// What of a page can't be read, while the rest was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageWarning {
    /// From 1.
    pub page: u32,
    /// For people.
    pub message: String,
}

/// The figures of the pages that were added.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// Pages.
    pub pages: usize,
    /// Characters of text, without the white space between words.
    pub text_length: usize,
    /// BCP 47, of the first page that has one.
    pub language: Option<String>,
    /// Whether the engine made text up on any page.
    pub simulated: bool,
    /// Pages that could not be recognised, from 1.
    pub failed_pages: Vec<u32>,
    /// The first warnings of pages, in their order; 50 at most.
    pub warnings: Vec<PageWarning>,
    /// Warnings in all.
    pub warning_count: usize,
    words: Mean,
    means_of_pages: Mean,
    /// Of the page whose figures are worth least.
    kind: Option<ConfidenceKind>,
}

impl Figures {
    /// Takes one more page into account.
    pub fn add(&mut self, page: &Page) {
        self.pages += 1;
        self.text_length += page.words().map(|word| word.text.chars().count()).sum::<usize>();
        self.simulated |= page.simulated;
        if self.language.is_none() {
            self.language.clone_from(&page.language);
        }
        page.word_confidences().for_each(|figure| self.words.add(figure));
        page.mean_confidence().into_iter().for_each(|figure| self.means_of_pages.add(figure));
        self.warning_count += page.warnings.len();
        let room = WARNINGS_MAX.saturating_sub(self.warnings.len());
        let told = page.warnings.iter().take(room);
        self.warnings
            .extend(told.map(|message| PageWarning { page: page.index + 1, message: message.clone() }));
        match page.status {
            // No engine was asked, so there is nothing to be sure of.
            PageStatus::Recognized if page.source == PageSource::TextLayer => {}
            PageStatus::Recognized => {
                let least = self.kind.into_iter().chain([page.confidence_kind]);
                self.kind = least.max_by_key(|kind| *kind as u8);
            }
            PageStatus::Failed { .. } => self.failed_pages.push(page.index + 1),
        }
    }

    /// The mean over all words that have a confidence, else over the pages that
    /// do, to a thousandth; `None` when nothing has.
    #[must_use]
    pub fn confidence(&self) -> Option<f32> {
        self.words.value().or_else(|| self.means_of_pages.value())
    }

    /// What that figure is worth: as much as the least of its pages says.
    #[must_use]
    pub fn confidence_kind(&self) -> ConfidenceKind {
        self.kind.unwrap_or_default()
    }
}

/// A mean of figures that come one after the other.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Mean {
    sum: f64,
    count: u32,
}

impl Mean {
    fn add(&mut self, figure: f32) {
        self.sum += f64::from(figure);
        self.count += 1;
    }

    #[expect(clippy::cast_possible_truncation, reason = "a thousandth needs no more than an f32 has")]
    fn value(self) -> Option<f32> {
        let mean = self.sum / f64::from(self.count);
        (self.count > 0).then(|| ((mean * 1e3).round() / 1e3) as f32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::model::{Block, Line, Word};

    fn page(kind: ConfidenceKind, confidence: Option<f32>) -> Page {
        let word = Word { text: "Grüße".to_owned(), confidence, ..Word::default() };
        let line = Line { words: vec![word], ..Line::default() };
        let block = Block { role: "paragraph".to_owned(), lines: vec![line], ..Block::default() };
        Page { confidence_kind: kind, blocks: vec![block], attempts: 1, ..Page::default() }
    }

    fn figures(pages: &[Page]) -> Figures {
        let mut figures = Figures::default();
        pages.iter().for_each(|page| figures.add(page));
        figures
    }

    #[test]
    fn figures_are_means_and_promise_no_more_than_the_least_page() {
        let two = figures(&[
            page(ConfidenceKind::Calibrated, Some(0.5)),
            page(ConfidenceKind::Uncalibrated, Some(1.0)),
        ]);
        assert_eq!((two.pages, two.text_length, two.confidence()), (2, 10, Some(0.75)));
        assert_eq!(two.confidence_kind(), ConfidenceKind::Uncalibrated);
    }

    #[test]
    fn a_figure_of_a_kind_that_promises_nothing_is_none() {
        let pages = [page(ConfidenceKind::None, Some(0.9))];
        let none = figures(&pages);
        assert_eq!((none.confidence(), none.confidence_kind()), (None, ConfidenceKind::None));
        assert_eq!(pages[0].mean_confidence(), None);
    }

    #[test]
    fn warnings_are_listed_up_to_a_bound_and_counted_beyond_it() {
        let page = |index| Page {
            index,
            warnings: vec![format!("a picture of page {index}"), "another".to_owned()],
            ..Page::default()
        };
        let pages: Vec<Page> = (0..40).map(page).collect();
        let all = figures(&pages);
        assert_eq!((all.warnings.len(), all.warning_count), (WARNINGS_MAX, 80));
        let third = PageWarning { page: 2, message: "a picture of page 1".to_owned() };
        assert_eq!(all.warnings[2], third);
    }

    #[test]
    fn pages_that_failed_are_named_and_count_for_nothing_else() {
        let failed = PageStatus::Failed { code: "PAGE_TIMEOUT".to_owned(), message: "late".to_owned() };
        let failed = Page { index: 3, status: failed, ..Page::default() };
        let all = figures(&[page(ConfidenceKind::Calibrated, Some(0.5)), failed]);
        assert_eq!(all.failed_pages, [4]);
        assert_eq!((all.confidence(), all.confidence_kind()), (Some(0.5), ConfidenceKind::Calibrated));
    }
}
