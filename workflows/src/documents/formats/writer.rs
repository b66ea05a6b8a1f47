//! What each format's file provides.

use super::outline::Outline;
use crate::documents::model::Page;

/// A format: its names, and how a document is written in it.
pub(super) struct Writer {
    /// What clients call it.
    pub(super) name: &'static str,
    /// How names of such files end, without the first dot.
    pub(super) extension: &'static str,
    /// Its media type.
    pub(super) content_type: &'static str,
    /// How names of archives end that a document of several pages becomes, where a
    /// file of the format has one page.
    pub(super) archive_extension: Option<&'static str>,
    /// What it is, in a few words.
    pub(super) about: &'static str,
    /// What it is made from, and how.
    pub(super) content: Content,
}

/// What a format is made from, and how.
#[derive(Clone, Copy, Debug)]
pub enum Content {
    /// Text, made page by page from the neutral model alone.
    Text(TextWriter),
    /// A PDF with the pages of the document's file and the model's text over them;
    /// [`crate::documents::renderer::Renderer::write_pdf`] makes it.
    Pdf {
        /// Whether it keeps to PDF/A-2b.
        archival: bool,
    },
}

/// How a document is written as text: head, pages with [`TextWriter::between`]
/// between them, and tail, one after the other. The same document gives the same
/// bytes.
#[derive(Clone, Copy, Debug)]
pub struct TextWriter {
    pub(super) head: fn(&Outline<'_>) -> String,
    pub(super) page: fn(&Outline<'_>, &Page) -> String,
    pub(super) between: &'static str,
    pub(super) tail: fn(&Outline<'_>) -> String,
}

impl TextWriter {
    /// What stands before the first page, as UTF-8.
    #[must_use]
    pub fn head(&self, outline: &Outline<'_>) -> String {
        (self.head)(outline)
    }

    /// One page.
    #[must_use]
    pub fn page(&self, outline: &Outline<'_>, page: &Page) -> String {
        (self.page)(outline, page)
    }

    /// What stands between two pages.
    #[must_use]
    pub const fn between(&self) -> &'static str {
        self.between
    }

    /// What stands after the last page.
    #[must_use]
    pub fn tail(&self, outline: &Outline<'_>) -> String {
        (self.tail)(outline)
    }
}
