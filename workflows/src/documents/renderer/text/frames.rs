//! Text of one direction, in coordinates of its own.

use hayro::kurbo::Vec2;

use super::glyph::Glyph;

/// Cosine of the angle between pieces that are laid out together: ten degrees.
/// Lines of a page that was scanned askew differ by less.
const SAME_FRAME: f64 = 0.985;

/// Directions of one page. Print has two or three, and text around a circle a
/// direction for each letter; what comes after these is laid out with the
/// nearest of them.
const FRAMES_MAX: usize = 32;

/// Letters that follow each other, seen in the direction of their writing:
/// `left` and `right` are along it, `middle` grows from line to line.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) glyphs: Vec<Glyph>,
    /// Place in drawing order.
    pub(super) order: usize,
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) middle: f64,
    /// Of the type.
    pub(super) size: f64,
}

impl Piece {
    pub(super) fn width(&self) -> f64 {
        self.right - self.left
    }

    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        self.glyphs.iter().map(|glyph| glyph.text.as_str())
    }
}

struct Frame {
    along: Vec2,
    mirrored: bool,
    pieces: Vec<(usize, Vec<Glyph>)>,
}

/// `pieces` by their direction, the one with the most letters first.
pub(super) fn frames(pieces: Vec<Vec<Glyph>>) -> Vec<Vec<Piece>> {
    let mut frames: Vec<Frame> = Vec::new();
    for (order, piece) in pieces.into_iter().enumerate() {
        let (along, mirrored) = (piece[0].along, piece[0].mirrored);
        let likeness =
            |frame: &Frame| frame.along.dot(along) - f64::from(u8::from(frame.mirrored != mirrored));
        let is_full = frames.len() == FRAMES_MAX;
        let nearest = frames.iter_mut().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
        match nearest {
            Some(frame) if is_full || likeness(frame) > SAME_FRAME => frame.pieces.push((order, piece)),
            _ => frames.push(Frame { along, mirrored, pieces: vec![(order, piece)] }),
        }
    }
    frames.sort_by_key(|frame| std::cmp::Reverse(frame.letters()));
    frames.into_iter().map(Frame::laid_out).collect()
}

impl Frame {
    fn letters(&self) -> usize {
        self.pieces.iter().map(|(_, piece)| piece.len()).sum()
    }

    /// The direction in the middle of those of its letters, so that few letters
    /// that lean don't turn the page.
    fn direction(&self) -> Vec2 {
        let turn = |piece: &[Glyph]| self.along.cross(piece[0].along);
        let mut directions: Vec<_> =
            self.pieces.iter().map(|(_, piece)| (turn(piece), piece.len(), piece[0].along)).collect();
        directions.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut left = self.letters() / 2;
        for (_, letters, along) in directions {
            if left < letters {
                return along;
            }
            left -= letters;
        }
        self.along
    }

    fn laid_out(self) -> Vec<Piece> {
        let along = self.direction();
        let across = Vec2::new(-along.y, along.x) * if self.mirrored { -1.0 } else { 1.0 };
        let piece = |(order, glyphs): (usize, Vec<Glyph>)| {
            let starts = glyphs.iter().map(|glyph| glyph.start.to_vec2().dot(along));
            let ends = glyphs.iter().map(|glyph| glyph.end().to_vec2().dot(along));
            let middles = glyphs.iter().map(|glyph| glyph.start.to_vec2().dot(across));
            Piece {
                left: starts.fold(f64::INFINITY, f64::min),
                right: ends.fold(f64::NEG_INFINITY, f64::max),
                middle: median(middles),
                size: median(glyphs.iter().map(|glyph| glyph.size)),
                order,
                glyphs,
            }
        };
        self.pieces.into_iter().map(piece).collect()
    }
}

/// The value in the middle; 0 of none.
pub(super) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// Lines among pieces that are sorted downwards.
pub(super) fn rows<'a>(pieces: impl Iterator<Item = &'a Piece>) -> usize {
    let mut last = f64::NEG_INFINITY;
    let mut rows = 0;
    for piece in pieces {
        if piece.middle - last >= piece.size / 2.0 {
            rows += 1;
            last = piece.middle;
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::super::pieces::pieces;
    use super::super::sample::{typed, typed_along};
    use super::*;

    #[test]
    fn each_direction_has_its_frame_and_the_longest_text_comes_first() {
        let up = typed_along("stamp", (10.0, 500.0), Vec2::new(0.0, -1.0));
        let lines = [up, typed("a line of text", 50.0, 60.0), typed("and another one", 50.0, 90.0)];
        let frames = frames(pieces(lines.concat()));
        let text = |piece: &Piece| piece.texts().collect::<String>();
        assert_eq!(frames[0].iter().map(text).collect::<Vec<_>>(), ["a line of text", "and another one"]);
        assert_eq!(frames[1].iter().map(text).collect::<Vec<_>>(), ["stamp"]);
        let stamp = &frames[1][0];
        assert_eq!((stamp.left, stamp.right, stamp.middle), (-500.0, -460.0, 10.0));
    }

    #[test]
    fn letters_around_a_circle_are_kept() {
        let around = (0..72).flat_map(|step| {
            let turn = f64::from(step) * 5.0_f64.to_radians();
            let along = Vec2::new(turn.cos(), turn.sin());
            typed_along("o", (500.0 - 400.0 * turn.sin(), 500.0 + 400.0 * turn.cos()), along)
        });
        let frames = frames(pieces(around.collect()));
        assert!(frames.len() <= FRAMES_MAX);
        assert_eq!(frames.iter().flatten().map(|piece| piece.glyphs.len()).sum::<usize>(), 72);
    }
}
