//! A page and the text of a page.

use std::ops::Range;

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

/// Brightness of a colour with the weights of ITU-R BT.709.
#[must_use]
pub fn luma([red, green, blue]: [u8; 3]) -> u8 {
    ((2_126 * u32::from(red) + 7_152 * u32::from(green) + 722 * u32::from(blue)) / 10_000) as u8
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

/// A point of a page, in pixels from the left and the top.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// From the left edge.
    pub x: u32,
    /// From the upper edge.
    pub y: u32,
}

/// Corners of text as it is read, clockwise from its upper left. They lie on the page.
pub type Corners = [Point; 4];

impl Rect {
    /// The smallest box around `points`, with a pixel at least, on a page of
    /// `width` x `height`.
    #[must_use]
    pub fn around(points: &[Point], width: u32, height: u32) -> Option<Self> {
        let span = |of: fn(&Point) -> u32, side: u32| {
            let first = points.iter().map(of).min()?.min(side.saturating_sub(1));
            let end = points.iter().map(of).max()?.clamp(first + 1, side.max(first + 1));
            Some((first, end - first))
        };
        let (x, width) = span(|point| point.x, width)?;
        let (y, height) = span(|point| point.y, height)?;
        Some(Self { x, y, width, height })
    }
}

/// A word.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Word {
    /// Its text.
    pub text: String,
    /// Its box.
    pub bounds: Option<Rect>,
    /// Its corners, where the engine knows them.
    pub corners: Option<Corners>,
    /// Confidence, 0..1.
    pub confidence: Option<f32>,
    /// Other readings, the likeliest first.
    pub alternatives: Vec<Alternative>,
}

/// Another reading of a word.
#[derive(Clone, Debug, PartialEq)]
pub struct Alternative {
    /// Its text.
    pub text: String,
    /// Confidence, 0..1.
    pub confidence: Option<f32>,
}

/// A line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Line {
    /// Its box.
    pub bounds: Option<Rect>,
    /// Its corners, where the engine knows them.
    pub corners: Option<Corners>,
    /// In reading order.
    pub words: Vec<Word>,
}

/// Lines that belong together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Block {
    /// `paragraph`, `heading`, `table`, `figure`, `list`, `caption`, `other`, or
    /// a role of the engine's own.
    pub role: String,
    /// Its box.
    pub bounds: Option<Rect>,
    /// Its corners, where the engine knows them.
    pub corners: Option<Corners>,
    /// In reading order; of a table, those of its cells are among them.
    pub lines: Vec<Line>,
    /// Its cells, where the engine knows them.
    pub table: Option<Table>,
    /// Further attributes from the engine.
    pub attributes: Vec<(String, String)>,
}

/// The cells of a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// Number of rows.
    pub rows: u32,
    /// Number of columns.
    pub columns: u32,
    /// In reading order. They lie in the table, and no two overlap.
    pub cells: Vec<Cell>,
}

/// A cell of a table.
#[derive(Clone, Debug, PartialEq)]
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
    /// Its box.
    pub bounds: Option<Rect>,
    /// Which lines of the block stand in it.
    pub lines: Range<usize>,
}

/// The text that an engine recognised. It is validated: boxes and corners lie on the
/// page, confidences are in 0..1, cells in their table, sizes within the limits. Its HTML is as the engine
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
