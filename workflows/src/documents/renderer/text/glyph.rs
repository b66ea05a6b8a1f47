//! A letter where it stands.

use hayro::kurbo::{Affine, Point, Rect, Vec2};

/// Glyph space (ISO 32000-1, 9.2.4): a thousand units to the em.
const EM: f64 = 1000.0;

/// The box of an em begins this far below the line that letters stand on.
const DESCENT: f64 = 0.2 * EM;

/// The same for a column, whose origin 880 units below its top is the default
/// (ISO 32000-1, 9.7.4.3).
const COLUMN_DESCENT: f64 = 0.12 * EM;

/// What one glyph says, or several that say one thing together, in pixels of the
/// page image.
#[derive(Clone, Debug)]
pub(super) struct Glyph {
    /// In the order in which it is read; only white space, or none at all.
    pub(super) text: String,
    /// Where it begins, on the line through the middle of the letters.
    pub(super) start: Point,
    /// The direction of writing, of length 1.
    pub(super) along: Vec2,
    /// To where the next one begins.
    pub(super) advance: f64,
    /// Of an em, across the direction of writing.
    pub(super) size: f64,
    /// Whether it is drawn as in a mirror.
    pub(super) mirrored: bool,
    /// What it covers.
    pub(super) bounds: Rect,
}

impl Glyph {
    /// A glyph drawn at `place`, `advance` units wide; None where nothing could
    /// be seen of it.
    pub(super) fn drawn(text: String, place: Affine, advance: f64, vertical: bool) -> Option<Self> {
        let (from, to, descent) = match vertical {
            // A column runs down the middle of its letters.
            true => (Point::new(EM / 2.0, EM - COLUMN_DESCENT), Vec2::new(0.0, -EM), COLUMN_DESCENT),
            false => (Point::new(0.0, EM / 2.0 - DESCENT), Vec2::new(advance, 0.0), DESCENT),
        };
        let width = if vertical { EM } else { advance };
        let bounds = place.transform_rect_bbox(Rect::new(0.0, -descent, width, EM - descent));
        let start = place * from;
        let way = place * (from + to) - start;
        // Marks have no width of their own and a direction all the same.
        let unit = if vertical { Vec2::new(0.0, -EM) } else { Vec2::new(EM, 0.0) };
        let em = place * (from + unit) - start;
        let along = em / em.hypot();
        let size = place.determinant().abs() * EM * EM / em.hypot();
        let is_seen = bounds.is_finite() && start.is_finite() && along.is_finite() && size.is_finite();
        let mirrored = place.determinant() > 0.0;
        (is_seen && size > 0.0).then(|| Self {
            text,
            start,
            along,
            advance: way.dot(along),
            size,
            mirrored,
            bounds,
        })
    }

    /// One that covers `advance` from `start` on.
    pub(super) fn covering(text: String, start: Point, advance: f64, like: &Self) -> Self {
        let across = Vec2::new(-like.along.y, like.along.x) * (like.size / 2.0);
        let end = start + like.along * advance;
        let bounds = Rect::from_points(start + across, end - across)
            .union(Rect::from_points(start - across, end + across));
        Self { text, start, advance, bounds, ..*like }
    }

    /// Where the next one begins.
    pub(super) fn end(&self) -> Point {
        self.start + self.along * self.advance
    }

    /// Whether it parts words.
    pub(super) fn is_space(&self) -> bool {
        self.text.chars().all(char::is_whitespace)
    }

    /// Whether there is white space within its text.
    pub(super) fn is_several_words(&self) -> bool {
        !self.is_space() && self.text.contains(char::is_whitespace)
    }

    /// Distances from `self` to `other`: along the direction of writing, from
    /// start to start, and across it.
    pub(super) fn distance(&self, other: &Self) -> (f64, f64) {
        let way = other.start - self.start;
        (way.dot(self.along), way.cross(self.along).abs())
    }
}
