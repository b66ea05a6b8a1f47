//! What can be wrong with a document.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::kind::Kind;

/// Why a document or one of its pages can't be read. It crosses a process
/// border as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "camelCase")]
pub enum DocumentError {
    /// No bytes.
    #[error("the file is empty")]
    Empty,
    /// Not a kind we read.
    #[error("the file looks like {seen}; {kinds} can be read", kinds = Kind::list("and"))]
    UnsupportedType {
        /// What the bytes look like.
        seen: String,
    },
    /// A kind that is read, in a variant that is not: the file may be sound.
    #[error("{what} can't be read; save it another way, for instance as PNG")]
    UnsupportedVariant {
        /// The variant by its name.
        what: String,
    },
    /// It needs a password.
    #[error("the PDF is encrypted and needs a password; upload it without one")]
    Encrypted,
    /// It claims to be something it isn't, or ends too early.
    #[error("the {what} can't be read: {reason}")]
    Broken {
        /// What was tried.
        what: String,
        /// What the decoder says.
        reason: String,
    },
    /// It has no pages.
    #[error("the document has no pages; truncated PDFs look like this")]
    NoPages,
    /// It has too many.
    #[error("the document has {pages} pages; {pages_max} are allowed")]
    TooManyPages {
        /// How many it has.
        pages: u32,
        /// How many it may have.
        pages_max: u32,
    },
    /// It has too many bytes.
    #[error("the file has {size_bytes} bytes; {size_bytes_max} are allowed")]
    TooLarge {
        /// How many it has.
        size_bytes: u64,
        /// How many it may have.
        size_bytes_max: u64,
    },
    /// A page's own bytes are damaged; others of the document may be whole.
    #[error("page {page} can't be decoded: {reason}")]
    PageBroken {
        /// From 1.
        page: u32,
        /// What the decoder says.
        reason: String,
    },
    /// A page would need too many pixels.
    #[error(
        "page {page} would be {width} x {height} pixels; {pixels_max} in all and {side_max} a side are allowed{}",
        advice(*.dpi_that_fits)
    )]
    PageTooLarge {
        /// From 1.
        page: u32,
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
        /// Limit for the product.
        pixels_max: u64,
        /// Limit for each.
        side_max: u32,
        /// The highest resolution at which it would be allowed; none if there
        /// is none, or if its size does not depend on the resolution asked
        /// for, as that of a picture.
        #[serde(default)]
        dpi_that_fits: Option<u32>,
    },
    /// There is no such page.
    #[error("there is no page {page}; the document has {pages}")]
    PageOutOfRange {
        /// From 1.
        page: u32,
        /// How many there are.
        pages: u32,
    },
    /// A PDF made of it would have too many bytes.
    #[error(
        "the PDF would have more than {size_bytes_max} bytes; ask for fewer pages, or for format pdf instead of pdfa"
    )]
    ResultTooLarge {
        /// How many it may have.
        size_bytes_max: u64,
    },
    /// It took too long and was ended.
    #[error("{what} was not done after {after:?} and was ended; such files are often built to never end")]
    Timeout {
        /// What was tried.
        what: String,
        /// The deadline.
        after: Duration,
    },
    /// It wanted more memory than it may have.
    #[error("{what} needed more than {memory_bytes_max} bytes of memory and was ended")]
    Memory {
        /// What was tried.
        what: String,
        /// The limit.
        memory_bytes_max: u64,
    },
    /// The decoder crashed. What it held is gone with its process.
    #[error("the decoder crashed at {what}: {reason}")]
    RendererCrashed {
        /// What was tried.
        what: String,
        /// Its last words.
        reason: String,
    },
    /// The decoder could not be started, or something outside ended it.
    #[error("the decoding process is not available: {0}; is the machine out of processes or memory?")]
    RendererUnavailable(String),
    /// As many documents are decoded as may be, and the caller could not wait.
    #[error("as many documents are being decoded as may be at once; try again in a few seconds")]
    Busy,
    /// The pages of the document took too long together.
    #[error(
        "the document's pages took {spent:?} longer to decode than pages usually do, and may take {budget:?}; \
         UNTXT_DOCUMENT_DECODE_SECONDS sets the budget of a document"
    )]
    BudgetSpent {
        /// What they took beyond what every page may take.
        spent: Duration,
        /// What they may take.
        budget: Duration,
    },
}

fn advice(dpi_that_fits: Option<u32>) -> String {
    dpi_that_fits.map(|dpi| format!("; at {dpi} dpi it fits")).unwrap_or_default()
}

impl DocumentError {
    /// Stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "DOCUMENT_EMPTY",
            Self::UnsupportedType { .. } | Self::UnsupportedVariant { .. } => "DOCUMENT_UNSUPPORTED_TYPE",
            Self::Encrypted => "DOCUMENT_ENCRYPTED",
            Self::Broken { .. } => "DOCUMENT_BROKEN",
            Self::NoPages => "DOCUMENT_NO_PAGES",
            Self::TooManyPages { .. } => "DOCUMENT_TOO_MANY_PAGES",
            Self::TooLarge { .. } => "DOCUMENT_TOO_LARGE",
            Self::PageBroken { .. } => "PAGE_BROKEN",
            Self::PageTooLarge { .. } => "PAGE_TOO_LARGE",
            Self::PageOutOfRange { .. } => "PAGE_OUT_OF_RANGE",
            Self::ResultTooLarge { .. } => "RESULT_TOO_LARGE",
            Self::Timeout { .. } => "PAGE_TIMEOUT",
            Self::Memory { .. } => "PAGE_MEMORY",
            Self::RendererCrashed { .. } => "RENDERER_CRASHED",
            Self::RendererUnavailable(_) => "RENDERER_UNAVAILABLE",
            Self::Busy => "RENDERER_BUSY",
            Self::BudgetSpent { .. } => "DOCUMENT_DECODE_BUDGET_SPENT",
        }
    }

    /// Whether the same file would fare the same again. A decoder that could
    /// not start or was ended from outside has met a busy machine; all else is
    /// in the file.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        !matches!(self, Self::RendererUnavailable(_) | Self::Busy)
    }
}
