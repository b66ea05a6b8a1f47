//! What a document may cost.

use std::time::Duration;

/// Bounds that hold before and while a document is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the file. The process that decodes holds them all.
    pub document_bytes_max: u64,
    /// Pages of one document. Each is an item of the run.
    pub pages_max: u32,
    /// Pixels of one page image: 100 million is A3 at 600 dpi with room to
    /// spare, and 300 MB in RGB.
    pub page_pixels_max: u64,
    /// Pixels of one side. Rasterisers count in 16 bits.
    pub page_side_max: u32,
    /// How long a page may take to render, or a document to be looked at.
    pub deadline: Duration,
    /// What the pages of a document may take together beyond what every page may:
    /// CPU time of the processes that decode. It leaves room for one page or two
    /// that need all of their deadline.
    pub decode_budget: Duration,
    /// Address space of the process that decodes: a page of as many pixels as
    /// may be, in four channels and in three, and 300 MB for the rest.
    pub memory_bytes_max: u64,
    /// Bytes of a PDF that is made of a document: what programs open that read a
    /// file at once, and 5,000 pages of 400 KB.
    pub written_bytes_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            document_bytes_max: 100 << 20,
            pages_max: 5_000,
            page_pixels_max: 100_000_000,
            page_side_max: 30_000,
            deadline: Duration::from_secs(20),
            decode_budget: Duration::from_secs(30),
            memory_bytes_max: 1 << 30,
            written_bytes_max: 2 << 30,
        }
    }
}

impl Limits {
    /// Whether a page image of this size may be made.
    #[must_use]
    pub fn admit(&self, width: u32, height: u32) -> bool {
        fits((width, height), self.page_pixels_max, self.page_side_max)
    }
}

/// Whether a page image of this size keeps both bounds: the parent asks it of
/// an answer, the child before it decodes.
pub(super) fn fits((width, height): (u32, u32), pixels_max: u64, side_max: u32) -> bool {
    width.max(height) <= side_max && u64::from(width) * u64::from(height) <= pixels_max
}
