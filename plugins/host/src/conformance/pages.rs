//! Test pages, usual and unusual ones.

use crate::golden_page;
use crate::page::{Page, PixelFormat};

fn white(width: u32, height: u32, dpi: u32, format: PixelFormat) -> Page {
    let bytes = width as usize * height as usize * format.channels();
    Page {
        index: 0,
        count: 1,
        dpi,
        width,
        height,
        format,
        data: vec![u8::MAX; bytes],
        text_layer: Vec::new(),
    }
}

/// A4 at 100 dpi with nothing on it.
pub(super) fn blank() -> Page {
    white(827, 1_169, 100, PixelFormat::Luma8)
}

/// A single pixel.
pub(super) fn pixel() -> Page {
    white(1, 1, 0, PixelFormat::Luma8)
}

/// A poster: 25 million pixels.
pub(super) fn huge() -> Page {
    white(5_000, 5_000, 600, PixelFormat::Luma8)
}

pub(super) fn gray() -> Page {
    golden_page::page()
}

pub(super) fn rgb() -> Page {
    let gray = golden_page::page();
    let data = gray.data.iter().flat_map(|value| [*value; 3]).collect();
    Page { format: PixelFormat::Rgb8, data, ..gray }
}

/// The golden page on its side.
pub(super) fn rotated() -> Page {
    let gray = golden_page::page();
    let (width, height) = (gray.width as usize, gray.height as usize);
    let data = (0..width).flat_map(|x| (0..height).rev().map(move |y| (x, y)));
    let data = data.map(|(x, y)| gray.data[y * width + x]).collect();
    Page { width: gray.height, height: gray.width, data, ..gray }
}

/// A4 at 300 dpi, full of lines of ink.
pub(super) fn a4() -> Page {
    let mut page = white(2_480, 3_508, 300, PixelFormat::Luma8);
    let width = page.width as usize;
    for line in 0..60 {
        for y in 200 + line * 50..200 + line * 50 + 30 {
            for word in 0..10 {
                page.data[y * width + 200 + word * 200..][..150].fill(0);
            }
        }
    }
    page
}
