//! Glyphs for tests.

use hayro::kurbo::{Point, Rect, Vec2};

use super::glyph::Glyph;

/// Type size in pixels; each character is two fifths of it wide.
pub(super) const SIZE: f64 = 20.0;

/// `text` drawn from (`x`, `y`) on, where `y` is the middle of its letters.
pub(super) fn typed(text: &str, x: f64, y: f64) -> Vec<Glyph> {
    typed_along(text, (x, y), Vec2::new(1.0, 0.0))
}

/// The same along any direction.
pub(super) fn typed_along(text: &str, start: (f64, f64), along: Vec2) -> Vec<Glyph> {
    let mut start = Point::from(start);
    let glyph = |character: char| {
        let like = Glyph {
            text: String::new(),
            start,
            along,
            advance: 0.0,
            size: SIZE,
            mirrored: false,
            bounds: Rect::ZERO,
        };
        let glyph = Glyph::covering(character.to_string(), start, SIZE * 0.4, &like);
        start = glyph.end();
        glyph
    };
    text.chars().map(glyph).collect()
}
