//! Four corners of a text line, and the pixels between them.

use crate::picture::Picture;

/// A place in a picture: columns from the left, rows from the top.
pub type Point = (f32, f32);

/// A line whose height is at least this many times its width runs from top to bottom.
const UPRIGHT_RATIO: f32 = 1.5;

/// Four corners, in the order in which the text is read: where its first letter begins
/// above, where the last one ends above, the same below from right to left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quad(pub [Point; 4]);

impl Quad {
    /// Whole pixels along and across.
    pub(crate) fn size(&self) -> (usize, usize) {
        let [a, b, c, d] = self.0;
        let longer = |one: f32, other: f32| one.max(other) as usize;
        (longer(distance(a, b), distance(c, d)), longer(distance(a, d), distance(b, c)))
    }

    /// The quad of a line that is read along its longer side. A tall one is taken to run
    /// from top to bottom.
    pub(crate) fn along(self) -> Self {
        let (width, height) = self.size();
        let [a, b, c, d] = self.0;
        if height as f32 >= UPRIGHT_RATIO * width as f32 { Self([b, c, d, a]) } else { self }
    }

    /// The same read from the other end.
    pub(crate) fn on_its_head(self) -> Self {
        let [a, b, c, d] = self.0;
        Self([c, d, a, b])
    }

    /// The place in the picture of one in the line, whose sides are 1.
    pub(crate) fn place(&self, along: f32, across: f32) -> Point {
        let [a, b, c, d] = self.0;
        let between = |p: Point, q: Point| (p.0 + (q.0 - p.0) * along, p.1 + (q.1 - p.1) * along);
        let ((x, y), (below_x, below_y)) = (between(a, b), between(d, c));
        (x + (below_x - x) * across, y + (below_y - y) * across)
    }

    /// The part from one share of its length to another.
    pub(crate) fn part(&self, from: f32, to: f32) -> Self {
        Self([self.place(from, 0.0), self.place(to, 0.0), self.place(to, 1.0), self.place(from, 1.0)])
    }

    /// Every place with `map` applied.
    pub(crate) fn map(self, map: impl Fn(Point) -> Point) -> Self {
        Self(self.0.map(map))
    }

    /// Left, top, right and bottom of the upright box around it.
    pub fn bounds(&self) -> [f32; 4] {
        let [first, rest @ ..] = self.0;
        rest.iter().fold([first.0, first.1, first.0, first.1], |[left, top, right, bottom], (x, y)| {
            [left.min(*x), top.min(*y), right.max(*x), bottom.max(*y)]
        })
    }

    /// The pixels inside, straightened, with cubic interpolation.
    pub(crate) fn cut(&self, page: &Picture) -> Picture {
        let (width, height) = self.size();
        let (width, height) = (width.max(1), height.max(1));
        let mut data = Vec::with_capacity(width * height * 3);
        for y in 0..height {
            for x in 0..width {
                let place = self.place(x as f32 / width as f32, y as f32 / height as f32);
                data.extend(cubic(page, place));
            }
        }
        Picture { width, height, data }
    }
}

pub(crate) fn distance(a: Point, b: Point) -> f32 {
    (a.0 - b.0).hypot(a.1 - b.1)
}

fn cubic(page: &Picture, (x, y): Point) -> [u8; 3] {
    let (left, top) = (x.floor(), y.floor());
    let (across, down) = (x - left, y - top);
    let (left, top) = (left as isize, top as isize);
    if across == 0.0 && down == 0.0 {
        return page.at(left, top);
    }
    let (across, down) = (weights(across), weights(down));
    let mut sum = [0.0; 3];
    for (row, weight_down) in (top - 1..).zip(down) {
        for (column, weight_across) in (left - 1..).zip(across) {
            let levels = page.at(column, row);
            for (sum, level) in sum.iter_mut().zip(levels) {
                *sum += weight_down * weight_across * f32::from(level);
            }
        }
    }
    sum.map(|level: f32| level.round().clamp(0.0, 255.0) as u8)
}

/// Weights of the four pixels around a place (R. Keys, "Cubic Convolution Interpolation",
/// 1981), with the sharpness of -0.75.
fn weights(share: f32) -> [f32; 4] {
    const A: f32 = -0.75;
    let far = |d: f32| ((A * d - 5.0 * A) * d + 8.0 * A) * d - 4.0 * A;
    let near = |d: f32| ((A + 2.0) * d - (A + 3.0)) * d * d + 1.0;
    let first = [far(share + 1.0), near(share), near(1.0 - share)];
    [first[0], first[1], first[2], 1.0 - first.iter().sum::<f32>()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> Picture {
        let data = (0..20 * 10).flat_map(|at| [(at % 20) as u8, (at / 20) as u8, 7]).collect();
        Picture::new(20, 10, data).expect("a page")
    }

    #[test]
    fn an_upright_box_is_cut_pixel_for_pixel() {
        let cut = Quad([(2.0, 3.0), (8.0, 3.0), (8.0, 5.0), (2.0, 5.0)]).cut(&page());
        assert_eq!((cut.width, cut.height), (6, 2));
        assert_eq!((cut.at(0, 0), cut.at(5, 1)), ([2, 3, 7], [7, 4, 7]));
    }

    #[test]
    fn a_turned_box_is_straightened() {
        // Its text runs down to the right.
        let cut = Quad([(4.0, 2.0), (8.0, 5.0), (6.5, 7.0), (2.5, 4.0)]).cut(&page());
        assert_eq!((cut.width, cut.height), (5, 2));
        assert_eq!((cut.at(0, 0), cut.at(2, 0)), ([4, 2, 7], [6, 3, 7]));
    }

    #[test]
    fn a_tall_box_is_read_from_top_to_bottom() {
        let tall = Quad([(2.0, 1.0), (4.0, 1.0), (4.0, 9.0), (2.0, 9.0)]);
        let along = tall.along();
        assert_eq!((along.size(), along.0[0], along.0[1]), ((8, 2), (4.0, 1.0), (4.0, 9.0)));
        assert_eq!(along.on_its_head().0[0], (2.0, 9.0));
        assert_eq!(along.along(), along);
    }

    #[test]
    fn a_part_has_its_own_box() {
        let quad = Quad([(0.0, 0.0), (10.0, 0.0), (10.0, 2.0), (0.0, 2.0)]);
        assert_eq!(quad.part(0.2, 0.5).bounds(), [2.0, 0.0, 5.0, 2.0]);
    }
}
