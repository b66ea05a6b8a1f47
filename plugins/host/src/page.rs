//! A page and the text of a page.

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

/// A page as an engine sees it. The length of its pixel data matches its size.
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
    /// [`PluginError::BadPage`] when the length of `data` does not match `size`, or
    /// there is no pixel.
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

/// A rectangle of a page, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rect {
    /// Left edge.
    pub x: u32,
    /// Top edge.
    pub y: u32,
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

/// A word.
#[derive(Clone, Debug, PartialEq)]
pub struct Word {
    /// Its text.
    pub text: String,
    /// Its box.
    pub bounds: Option<Rect>,
    /// Confidence, 0..1.
    pub confidence: Option<f32>,
}

/// A line.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Its box.
    pub bounds: Option<Rect>,
    /// In reading order.
    pub words: Vec<Word>,
}

/// Lines that belong together.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// `paragraph`, `heading`, `table`, `figure`, `list`, `caption`, `other`, or
    /// a role of the engine's own.
    pub role: String,
    /// Its box.
    pub bounds: Option<Rect>,
    /// From top to bottom.
    pub lines: Vec<Line>,
    /// Further attributes from the engine.
    pub attributes: Vec<(String, String)>,
}

/// The text that an engine recognised. It is validated: boxes lie on the page,
/// confidences are in 0..1, sizes within the limits. Its HTML is as the engine
/// wrote it.
#[derive(Clone, Debug, PartialEq)]
pub struct PageText {
    /// In reading order.
    pub blocks: Vec<Block>,
    /// The engine's own rendering as HTML. Not sanitised.
    pub html: Option<String>,
    /// BCP 47.
    pub language: Option<String>,
    /// For the page, 0..1.
    pub confidence: Option<f32>,
    /// Further attributes from the engine.
    pub attributes: Vec<(String, String)>,
}
