//! Where ink is.

use crate::area::Area;
use crate::threshold::Threshold;

/// A page's ink, a byte a pixel (1: ink), with a frame of one empty pixel, so
/// that every pixel has four neighbours.
pub struct Ink {
    width: u32,
    height: u32,
    stride: usize,
    cells: Vec<u8>,
}

impl Ink {
    /// The ink of a gray picture, rows from top to bottom without padding,
    /// without specks of a single pixel. None when there is no contrast, or
    /// when `luma` does not hold `width * height` bytes.
    pub fn of(width: u32, height: u32, luma: &[u8]) -> Option<Self> {
        if luma.is_empty() || luma.len() as u64 != u64::from(width) * u64::from(height) {
            return None;
        }
        let threshold = Threshold::of(luma)?;
        let stride = width as usize + 2;
        let mut raw = vec![0u8; stride * (height as usize + 2)];
        for (row, cells) in luma.chunks_exact(width as usize).zip(raw.chunks_exact_mut(stride).skip(1)) {
            for (cell, &level) in cells[1..].iter_mut().zip(row) {
                *cell = u8::from(threshold.is_ink(level));
            }
        }
        Some(Self { width, height, stride, cells: without_specks(&raw, stride) })
    }

    pub(crate) fn whole(&self) -> Area {
        Area { x: 0, y: 0, width: self.width, height: self.height }
    }

    /// Ink in each row of `area`.
    pub(crate) fn row_profile(&self, area: Area) -> Vec<u32> {
        self.rows(area).map(|row| row.iter().map(|&cell| u32::from(cell)).sum()).collect()
    }

    /// Ink in each column of `area`.
    pub(crate) fn column_profile(&self, area: Area) -> Vec<u32> {
        let mut counts = vec![0u32; area.width as usize];
        for row in self.rows(area) {
            for (count, &cell) in counts.iter_mut().zip(row) {
                *count += u32::from(cell);
            }
        }
        counts
    }

    /// FNV-1a (64 bits) over the size of `area` and its cells.
    pub(crate) fn fingerprint(&self, area: Area) -> u64 {
        let size = area.width.to_le_bytes().into_iter().chain(area.height.to_le_bytes());
        let cells = self.rows(area).flatten().copied();
        size.chain(cells).fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        })
    }

    fn rows(&self, area: Area) -> impl Iterator<Item = &[u8]> {
        let columns = area.x as usize + 1..area.right() as usize + 1;
        let rows = self.cells.chunks_exact(self.stride).skip(area.y as usize + 1).take(area.height as usize);
        rows.map(move |row| &row[columns.clone()])
    }
}

fn without_specks(raw: &[u8], stride: usize) -> Vec<u8> {
    let mut cells = vec![0u8; raw.len()];
    for y in 1..raw.len() / stride - 1 {
        let at = y * stride;
        let (above, here, below) =
            (&raw[at - stride..at], &raw[at..at + stride], &raw[at + stride..at + 2 * stride]);
        let out = &mut cells[at..at + stride];
        for x in 1..stride - 1 {
            out[x] = here[x] & (here[x - 1] | here[x + 1] | above[x] | below[x]);
        }
    }
    cells
}
