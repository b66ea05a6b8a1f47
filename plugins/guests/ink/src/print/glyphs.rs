//! Pieces that may be letters, straightened.

use super::frame::{Frame, Slope};
use super::pieces::{Piece, Pieces};

/// Letters that are looked at: a page of small print has some 10,000. Of noise,
/// the largest pieces stay.
const GLYPHS_MAX: usize = 40_000;

/// Pixels of a side under which a piece is dust or part of a letter.
const DUST_SIDE: u16 = 3;

/// What a piece is by its shape.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A letter, or several that touch.
    Glyph,
    /// Specks, and the dots and commas of the smallest print.
    Dust,
    /// A line that was drawn.
    Rule,
    /// A frame, a picture, the shadow of an edge.
    Picture,
}

pub(crate) fn shape(piece: &Piece, page_height: u32) -> Shape {
    let (width, height) = (u32::from(piece.width()), u32::from(piece.height()));
    let (long, short) = (width.max(height), width.min(height));
    if long < u32::from(DUST_SIDE) || piece.ink < 4 {
        Shape::Dust
    } else if long > 12 * short && long > page_height / 40 {
        Shape::Rule
    } else if height > page_height / 12 || (width > page_height / 4 && height > page_height / 30) {
        Shape::Picture
    } else if width > page_height / 30 && width > 10 * height && piece.ink < width * height / 3 {
        // A thin rule that lies askew fills little of its box.
        Shape::Rule
    } else {
        Shape::Glyph
    }
}

/// The boxes of all glyphs in straight coordinates, from left to right, and
/// whether some were left out.
pub(crate) fn straightened(pieces: &Pieces, page_height: u32, slope: Slope) -> (Vec<Frame>, bool) {
    let mut glyphs: Vec<&Piece> =
        pieces.pieces.iter().filter(|piece| shape(piece, page_height) == Shape::Glyph).collect();
    let cut = glyphs.len() > GLYPHS_MAX;
    if cut {
        glyphs.sort_by_key(|piece| std::cmp::Reverse(piece.ink));
        glyphs.truncate(GLYPHS_MAX);
    }
    let mut frames: Vec<Frame> = glyphs.into_iter().map(|piece| frame(piece, slope)).collect();
    frames.sort_by(|a, b| a.left.total_cmp(&b.left).then(a.top.total_cmp(&b.top)));
    (frames, cut)
}

fn frame(piece: &Piece, slope: Slope) -> Frame {
    let (width, height) = (f32::from(piece.width()), f32::from(piece.height()));
    let middle = (f32::from(piece.left) + width / 2.0, f32::from(piece.top) + height / 2.0);
    let (x, y) = slope.straight(middle);
    // Several letters that touch are as high as one, and sink along their width.
    let height = (height - (width - height).max(0.0) * slope.tangent().abs()).max(1.0);
    Frame { left: x - width / 2.0, top: y - height / 2.0, right: x + width / 2.0, bottom: y + height / 2.0 }
}
