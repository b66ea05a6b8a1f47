//! What goes into an engine and what comes out of it, as values.

use crate::error::PluginError;

/// How a page's pixels are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PixelFormat {
    /// One byte a pixel, 0 is black.
    Luma8,
    /// Red, green, blue.
    Rgb8,
}

impl PixelFormat {
    /// Bytes a pixel.
    #[must_use]
    pub fn channels(self) -> usize {
        match self {
            Self::Luma8 => 1,
            Self::Rgb8 => 3,
        }
    }
}

/// A page as an engine sees it. Its pixels always fit its size.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    pub(crate) index: u32,
    pub(crate) count: u32,
    pub(crate) dpi: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) format: PixelFormat,
    pub(crate) data: Vec<u8>,
    pub(crate) text_layer: Vec<Line>,
}

impl Page {
    /// The page at `index` (from 0) of `count`; `dpi` is 0 when unknown; `size`
    /// is width and height in pixels; `data` holds rows from top to bottom
    /// without padding.
    ///
    /// # Errors
    /// [`PluginError::BadPage`] when `data` does not fit `size`, or there is no
    /// pixel at all.
    pub fn new(
        index: u32,
        count: u32,
        dpi: u32,
        size: (u32, u32),
        format: PixelFormat,
        data: Vec<u8>,
        text_layer: Vec<Line>,
    ) -> Result<Self, PluginError> {
        let (width, height) = size;
        let bytes =
            (width as usize).checked_mul(height as usize).and_then(|n| n.checked_mul(format.channels()));
        if width == 0 || height == 0 || bytes != Some(data.len()) {
            return Err(PluginError::BadPage { width, height, bytes: data.len() });
        }
        Ok(Self { index, count, dpi, width, height, format, data, text_layer })
    }
}

/// Pixels of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rect {
    /// From the left.
    pub x: u32,
    /// From the top.
    pub y: u32,
    /// To the right.
    pub width: u32,
    /// Downwards.
    pub height: u32,
}

/// A word.
#[derive(Clone, Debug, PartialEq)]
pub struct Word {
    /// What it says.
    pub text: String,
    /// Where it stands.
    pub bounds: Option<Rect>,
    /// 0..1.
    pub confidence: Option<f32>,
}

/// A line.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Where it stands.
    pub bounds: Option<Rect>,
    /// In reading order.
    pub words: Vec<Word>,
}

/// Lines that belong together.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// `paragraph`, `heading`, `table`, `figure`, `list`, `caption`, `other`, or
    /// a word of the engine's own.
    pub role: String,
    /// Where it stands.
    pub bounds: Option<Rect>,
    /// From top to bottom.
    pub lines: Vec<Line>,
    /// What the engine says besides.
    pub attributes: Vec<(String, String)>,
}

/// What an engine made of a page. Checked: boxes lie on the page, confidences
/// in 0..1, sizes within the limits. Its HTML is as the engine wrote it.
#[derive(Clone, Debug, PartialEq)]
pub struct PageText {
    /// In reading order.
    pub blocks: Vec<Block>,
    /// The engine's own rendering. Not sanitised.
    pub html: Option<String>,
    /// BCP 47.
    pub language: Option<String>,
    /// For the page, 0..1.
    pub confidence: Option<f32>,
    /// What the engine says besides.
    pub attributes: Vec<(String, String)>,
}
