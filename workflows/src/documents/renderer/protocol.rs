//! What parent and child say to each other: a line of JSON each way, and the
//! pixels after the child's. Of a PDF that it writes the child says several lines,
//! each with a part of the file after it, and then that it is whole.

use std::borrow::Cow;

use image::DynamicImage;
use image::imageops::FilterType;
use serde::{Deserialize, Serialize};
use untxt_plugins::luma;

use crate::documents::error::DocumentError;
use crate::documents::kind::Kind;
use crate::documents::limits::{Limits, fits};

use super::document::Document;
use super::searchable::SearchablePdf;

/// What is known of a document before it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// By its first bytes.
    pub kind: Kind,
    /// At least 1.
    pub pages: u32,
}

/// Whether colours are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Color {
    /// One byte a pixel.
    Gray,
    /// Three bytes a pixel.
    Rgb,
}

impl Color {
    pub(super) fn channels(self) -> usize {
        match self {
            Self::Gray => 1,
            Self::Rgb => 3,
        }
    }
}

/// How a page is rendered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenderOptions {
    /// Dots per inch of a PDF's page. A picture that says its own resolution is
    /// scaled down to this one; no picture is scaled up.
    pub dpi: u32,
    /// Pixels of the longer side at most, for which the resolution is lowered, down to
    /// the lowest of [`RenderOptions::DPI`]. `None`: as `dpi` makes it.
    pub side_max: Option<u32>,
    /// Pixels of the width at most, for which the resolution is lowered too, and below
    /// the lowest the page image is scaled down. Without its text layer, whose boxes
    /// are in pixels. `None`: as the others make it.
    pub width_max: Option<u32>,
    /// Whether colours are kept.
    pub color: Color,
}

impl RenderOptions {
    /// Resolutions that can be asked for.
    pub const DPI: std::ops::RangeInclusive<u32> = untxt_plugins::PAGE_DPI;

    /// The highest resolution at which a page whose size at a resolution `size` tells
    /// keeps to `side_max` and `width_max`.
    pub(super) fn dpi_of(&self, size: impl Fn(u32) -> (u32, u32)) -> u32 {
        if self.side_max.is_none() && self.width_max.is_none() {
            return self.dpi;
        }
        let (side_max, width_max) = (self.side_max.unwrap_or(u32::MAX), self.width_max.unwrap_or(u32::MAX));
        let fits = |dpi: &u32| fits(size(*dpi), u64::MAX, side_max) && size(*dpi).0 <= width_max;
        (*Self::DPI.start()..=self.dpi).rev().find(fits).unwrap_or(*Self::DPI.start())
    }

    /// The page image, no wider than `width_max`.
    pub(super) fn at_width(&self, picture: DynamicImage) -> DynamicImage {
        match self.width_max.filter(|width_max| picture.width() > *width_max) {
            Some(width) => {
                let height = u64::from(picture.height()) * u64::from(width) / u64::from(picture.width());
                let height = u32::try_from(height).unwrap_or(u32::MAX).max(1);
                picture.resize_exact(width, height, FilterType::Triangle)
            }
            None => picture,
        }
    }
}

impl Default for RenderOptions {
    fn default() -> Self {
        Self { dpi: 150, side_max: None, width_max: None, color: Color::Gray }
    }
}

/// A page as pixels.
#[derive(Clone, Debug, PartialEq)]
pub struct RenderedPage {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Dots per inch; 0 when the file does not say how large it is on paper.
    pub dpi: u32,
    /// Rows from top to bottom, no padding.
    pub pixels: Pixels,
    /// Text that the file carries, in the order in which people read it.
    pub text_layer: Vec<TextLine>,
    /// What of the page could not be drawn, for people; empty for a whole page.
    pub warnings: Vec<String>,
}

/// Rows of pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pixels {
    /// One byte a pixel, 0 is black.
    Luma8(Vec<u8>),
    /// Red, green, blue.
    Rgb8(Vec<u8>),
}

impl Pixels {
    /// The brightness of each.
    #[must_use]
    pub fn luma(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Luma8(data) => Cow::Borrowed(data),
            Self::Rgb8(data) => data.as_chunks::<3>().0.iter().copied().map(luma).collect(),
        }
    }
}

/// A line of a text layer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextLine {
    /// In the order in which people read them.
    pub words: Vec<TextWord>,
}

/// A word of a text layer, its box in pixels of the page image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextWord {
    /// What it says.
    pub text: String,
    /// Left edge.
    pub left: u32,
    /// Top edge.
    pub top: u32,
    /// Extent to the right, at least 1.
    pub width: u32,
    /// Extent downwards, at least 1.
    pub height: u32,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Request {
    pub(super) document: Document,
    pub(super) kind: Kind,
    pub(super) task: Task,
    pub(super) limits: ChildLimits,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Task {
    Probe,
    Render { index: u32, options: RenderOptions },
    Write(SearchablePdf),
}

/// Bytes of a part of a file, at most: what is in memory on either side.
pub(super) const PART_BYTES_MAX: usize = 256 << 10;

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct ChildLimits {
    pub(super) pages_max: u32,
    pub(super) page_pixels_max: u64,
    pub(super) page_side_max: u32,
    pub(super) cpu_seconds_max: u64,
    pub(super) memory_bytes_max: u64,
    pub(super) written_bytes_max: u64,
}

impl From<&Limits> for ChildLimits {
    fn from(limits: &Limits) -> Self {
        Self {
            pages_max: limits.pages_max,
            page_pixels_max: limits.page_pixels_max,
            page_side_max: limits.page_side_max,
            // The parent's deadline comes first; this is for a child whose
            // parent was stopped.
            cpu_seconds_max: limits.deadline.as_secs() + 2,
            memory_bytes_max: limits.memory_bytes_max,
            written_bytes_max: limits.written_bytes_max,
        }
    }
}

impl ChildLimits {
    /// Whether the page image may be made; `page` is counted from 1.
    pub(super) fn check(&self, page: u32, width: u32, height: u32) -> Result<(), DocumentError> {
        let (pixels_max, side_max) = (self.page_pixels_max, self.page_side_max);
        if fits((width, height), pixels_max, side_max) {
            return Ok(());
        }
        Err(DocumentError::PageTooLarge { page, width, height, pixels_max, side_max, dpi_that_fits: None })
    }

    /// As [`ChildLimits::check`] for a page whose size at a resolution `size`
    /// tells; what is too large is told the highest resolution below that
    /// fits.
    pub(super) fn check_at(
        &self,
        page: u32,
        dpi: u32,
        size: impl Fn(u32) -> (u32, u32),
    ) -> Result<(), DocumentError> {
        let (width, height) = size(dpi);
        let fit = |dpi: &u32| fits(size(*dpi), self.page_pixels_max, self.page_side_max);
        self.check(page, width, height).map_err(|error| match error {
            DocumentError::PageTooLarge { page, width, height, pixels_max, side_max, .. } => {
                let dpi_that_fits = (*RenderOptions::DPI.start()..dpi).rev().find(fit);
                DocumentError::PageTooLarge { page, width, height, pixels_max, side_max, dpi_that_fits }
            }
            other => other,
        })
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Answer {
    Probed {
        pages: u32,
    },
    Rendered {
        width: u32,
        height: u32,
        dpi: u32,
        color: Color,
        text_layer: Vec<TextLine>,
        warnings: Vec<String>,
        /// Whether the child keeps the document open for another of its pages.
        #[serde(default)]
        stays_open: bool,
    },
    /// So many bytes of the file that is written follow, and another answer.
    Part {
        bytes: usize,
    },
    /// All of the file was sent.
    Written,
    Failed(DocumentError),
}
