//! Scales a part of a page down by averaging: in one pass and in whole numbers,
//! so that the same page gives the same bytes on every machine.

use wasmtime::Result;

use crate::contract::untxt::ocr::types::Rect;
use crate::page::{Page, PixelFormat};

/// A part of a page on a grid as fine as the page's or coarser.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grid {
    area: Rect,
    /// Pixels of the longest side on the page, and on the grid.
    longest: u32,
    scaled: u32,
}

impl Grid {
    /// The grid of `area`, which lies on the page, with no side longer than
    /// `side_max` (0: as fine as the page).
    pub(crate) fn new(area: Rect, side_max: u32) -> Self {
        let longest = area.width.max(area.height);
        let scaled = if side_max == 0 { longest } else { longest.min(side_max) };
        Self { area, longest, scaled }
    }

    /// Page pixels a pixel, on both axes.
    pub(crate) fn scale(&self) -> f32 {
        (f64::from(self.longest) / f64::from(self.scaled)) as f32
    }

    pub(crate) fn width(&self) -> u32 {
        self.count(self.area.width)
    }

    pub(crate) fn height(&self) -> u32 {
        self.count(self.area.height)
    }

    /// Pixels of a side. The last may be made of fewer page pixels than the
    /// others; the scale is that of the others.
    fn count(&self, side: u32) -> u32 {
        (u64::from(side) * u64::from(self.scaled)).div_ceil(u64::from(self.longest)) as u32
    }

    /// The first page pixel, from the area's edge, that pixel `at` is made of.
    fn edge(&self, at: u32, side: u32) -> usize {
        let edge = u64::from(at) * u64::from(self.longest) / u64::from(self.scaled);
        edge.min(u64::from(side)) as usize
    }
}

/// Calls `emit` with each row of `page` on `grid`, from the top, in the page's
/// format. Asks `check_stopped` at every row of the page.
///
/// # Errors
/// That of `check_stopped`.
pub(crate) fn each_row(
    page: &Page,
    grid: &Grid,
    check_stopped: &mut dyn FnMut() -> Result<()>,
    emit: &mut dyn FnMut(&[u8]),
) -> Result<()> {
    if grid.longest == grid.scaled {
        for y in 0..grid.area.height as usize {
            check_stopped()?;
            emit(page_row(page, grid.area, y));
        }
        return Ok(());
    }
    match page.format {
        PixelFormat::Luma8 => averaged::<1>(page, grid, check_stopped, emit),
        PixelFormat::Rgb8 => averaged::<3>(page, grid, check_stopped, emit),
    }
}

fn averaged<const CHANNELS: usize>(
    page: &Page,
    grid: &Grid,
    check_stopped: &mut dyn FnMut() -> Result<()>,
    emit: &mut dyn FnMut(&[u8]),
) -> Result<()> {
    let area = grid.area;
    let columns: Vec<usize> = (0..=grid.width()).map(|at| grid.edge(at, area.width)).collect();
    let mut sums = vec![[0_u64; CHANNELS]; grid.width() as usize];
    let mut averages = Vec::with_capacity(sums.len() * CHANNELS);
    for at in 0..grid.height() {
        let (top, bottom) = (grid.edge(at, area.height), grid.edge(at + 1, area.height));
        sums.fill([0; CHANNELS]);
        for y in top..bottom {
            check_stopped()?;
            add(&mut sums, &columns, page_row(page, area, y));
        }
        averages.clear();
        for (sum, edges) in sums.iter().zip(columns.windows(2)) {
            let count = ((edges[1] - edges[0]) * (bottom - top)) as u64;
            averages.extend(sum.iter().map(|sum| ((sum + count / 2) / count) as u8));
        }
        emit(&averages);
    }
    Ok(())
}

/// Adds the pixels of a page row to the sums of the columns they lie in.
fn add<const CHANNELS: usize>(sums: &mut [[u64; CHANNELS]], columns: &[usize], row: &[u8]) {
    let (pixels, _) = row.as_chunks::<CHANNELS>();
    for (sum, edges) in sums.iter_mut().zip(columns.windows(2)) {
        for pixel in &pixels[edges[0]..edges[1]] {
            for (sum, value) in sum.iter_mut().zip(pixel) {
                *sum += u64::from(*value);
            }
        }
    }
}

/// Row `y` of `area`, which lies on the page.
fn page_row(page: &Page, area: Rect, y: usize) -> &[u8] {
    let channels = page.format.channels();
    let start = ((area.y as usize + y) * page.width as usize + area.x as usize) * channels;
    &page.data[start..start + area.width as usize * channels]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(width: u32, height: u32, side_max: u32) -> Grid {
        Grid::new(Rect { x: 0, y: 0, width, height }, side_max)
    }

    fn rows(page: &Page, grid: &Grid) -> Vec<Vec<u8>> {
        let mut rows = Vec::new();
        each_row(page, grid, &mut || Ok(()), &mut |row| rows.push(row.to_vec())).expect("nobody stops it");
        rows
    }

    #[test]
    fn the_longest_side_fits_and_the_scale_is_that_of_both() {
        let size = |grid: Grid| (grid.width(), grid.height(), grid.scale());
        assert_eq!(size(grid(1000, 500, 0)), (1000, 500, 1.0));
        assert_eq!(size(grid(1000, 500, 1000)), (1000, 500, 1.0));
        assert_eq!(size(grid(1000, 501, 100)), (100, 51, 10.0));
        assert_eq!(size(grid(3, 1000, 100)), (1, 100, 10.0));
        assert_eq!(size(grid(u32::MAX, 1, 1)), (1, 1, u32::MAX as f32));
        assert_eq!(size(grid(12_000, 8_000, 9_000)), (9_000, 6_000, 4.0 / 3.0));
    }

    #[test]
    fn every_page_pixel_lies_in_one_pixel() {
        for (side, side_max) in [(7, 3), (12_000, 2_200), (2_201, 2_200), (5, 1), (1_000, 999)] {
            let grid = grid(side, side, side_max);
            let edges: Vec<usize> = (0..=grid.width()).map(|at| grid.edge(at, side)).collect();
            assert!(edges.windows(2).all(|edges| edges[0] < edges[1]), "{side} to {side_max}");
            assert_eq!((edges[0], edges.last().copied()), (0, Some(side as usize)));
        }
    }

    #[test]
    fn a_pixel_is_the_average_of_its_page_pixels() {
        let gray =
            Page::new(0, 1, 0, (5, 2), PixelFormat::Luma8, vec![0, 10, 20, 30, 9, 2, 0, 50, 1, 8], vec![]);
        assert_eq!(rows(&gray.expect("it fits"), &grid(5, 2, 3)), [[0, 15, 20], [2, 25, 5]], "halves go up");
        let color = Page::new(0, 1, 0, (2, 1), PixelFormat::Rgb8, vec![0, 100, 255, 2, 200, 255], vec![]);
        assert_eq!(rows(&color.expect("it fits"), &grid(2, 1, 1)), [[1, 150, 255]]);
    }

    #[test]
    fn only_the_area_counts() {
        let data = (0..16).collect();
        let page = Page::new(0, 1, 0, (4, 4), PixelFormat::Luma8, data, vec![]).expect("it fits");
        let area = Rect { x: 1, y: 2, width: 2, height: 2 };
        assert_eq!(rows(&page, &Grid::new(area, 0)), [[9, 10], [13, 14]]);
        assert_eq!(rows(&page, &Grid::new(area, 1)), [[12]]);
    }

    #[test]
    fn it_stops_at_the_row_where_nobody_wants_it_any_more() {
        let page =
            Page::new(0, 1, 0, (10, 100), PixelFormat::Luma8, vec![0; 1_000], vec![]).expect("it fits");
        for side_max in [0, 50, 1] {
            let mut asked = 0;
            let mut stop = || {
                asked += 1;
                if asked == 7 { Err(wasmtime::Error::msg("enough")) } else { Ok(()) }
            };
            assert!(each_row(&page, &grid(10, 100, side_max), &mut stop, &mut |_| ()).is_err());
            assert_eq!(asked, 7, "side_max {side_max}");
        }
    }
}
