//! Pixels in colour, and how they are scaled.

use std::ops::Range;

/// A picture in RGB, one byte a channel, rows from top to bottom.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// Pixels across, at least one.
    pub width: usize,
    /// Pixels down, at least one.
    pub height: usize,
    /// `width * height * 3` bytes.
    pub data: Vec<u8>,
}

impl Picture {
    /// A picture of these bytes; `None` when a side is 0 or their number is another.
    pub fn new(width: usize, height: usize, data: Vec<u8>) -> Option<Self> {
        let whole = width > 0 && height > 0 && data.len() == width * height * 3;
        whole.then_some(Self { width, height, data })
    }

    /// The pixel at a place; outside, the nearest one inside.
    pub(crate) fn at(&self, x: isize, y: isize) -> [u8; 3] {
        let x = x.clamp(0, self.width as isize - 1) as usize;
        let y = y.clamp(0, self.height as isize - 1) as usize;
        let start = (y * self.width + x) * 3;
        [self.data[start], self.data[start + 1], self.data[start + 2]]
    }

    /// The same picture in another size, bilinear.
    pub(crate) fn resized(&self, width: usize, height: usize) -> Self {
        if (width, height) == (self.width, self.height) {
            return self.clone();
        }
        let columns = taps(self.width, width);
        let mut data = Vec::with_capacity(width * height * 3);
        for (top, bottom, down) in taps(self.height, height) {
            let row = |y: usize| &self.data[y * self.width * 3..][..self.width * 3];
            let (top, bottom) = (row(top), row(bottom));
            for &(left, right, across) in &columns {
                for channel in 0..3 {
                    let level = |row: &[u8], x: usize| f32::from(row[x * 3 + channel]);
                    let along = |row: &[u8]| mix(level(row, left), level(row, right), across);
                    data.push(mix(along(top), along(bottom), down).round() as u8);
                }
            }
        }
        Self { width, height, data }
    }

    /// Some of its rows, at least one.
    pub(crate) fn rows(&self, rows: Range<usize>) -> Self {
        let row = self.width * 3;
        let data = self.data[rows.start * row..rows.end * row].to_vec();
        Self { width: self.width, height: rows.len(), data }
    }

    /// The picture turned by 180 degrees.
    pub(crate) fn on_its_head(&self) -> Self {
        let data = self.data.chunks_exact(3).rev().flatten().copied().collect();
        Self { data, ..*self }
    }

    /// The picture with `rows` of black above and below.
    pub(crate) fn padded(&self, rows: usize) -> Self {
        let black = vec![0; rows * self.width * 3];
        let data = [&black[..], &self.data, &black].concat();
        Self { width: self.width, height: self.height + 2 * rows, data }
    }
}

fn mix(a: f32, b: f32, share: f32) -> f32 {
    a + (b - a) * share
}

/// For each of `to` pixels the two of `from` pixels it lies between, and how far it is
/// from the first.
fn taps(from: usize, to: usize) -> Vec<(usize, usize, f32)> {
    let scale = from as f32 / to as f32;
    let tap = |at: usize| {
        let place = ((at as f32 + 0.5) * scale - 0.5).clamp(0.0, from as f32 - 1.0);
        let first = place as usize;
        (first, (first + 1).min(from - 1), place - first as f32)
    };
    (0..to).map(tap).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp() -> Picture {
        Picture::new(2, 1, vec![0, 10, 20, 100, 110, 120]).expect("two pixels")
    }

    #[test]
    fn a_larger_picture_has_the_levels_between() {
        let wide = ramp().resized(4, 1);
        let red: Vec<u8> = wide.data.chunks(3).map(|pixel| pixel[0]).collect();
        assert_eq!(red, [0, 25, 75, 100]);
        assert_eq!(ramp().resized(2, 1), ramp());
    }

    #[test]
    fn on_its_head_the_last_pixel_is_the_first() {
        assert_eq!(ramp().on_its_head().data, [100, 110, 120, 0, 10, 20]);
    }

    #[test]
    fn padding_is_black() {
        let padded = ramp().padded(1);
        assert_eq!((padded.height, padded.at(1, 0), padded.at(1, 1)), (3, [0, 0, 0], [100, 110, 120]));
    }

    #[test]
    fn bytes_that_are_no_picture_are_refused() {
        assert_eq!(Picture::new(0, 1, Vec::new()), None);
        assert_eq!(Picture::new(1, 1, vec![0; 4]), None);
    }
}
