//! The page that an engine has to recognise before it is installed.

use crate::page::{Page, PixelFormat};

/// Three lines of three words of ink on white, 600 x 400 at 150 dpi.
pub(crate) fn page() -> Page {
    const WIDTH: usize = 600;
    const HEIGHT: usize = 400;
    let mut data = vec![u8::MAX; WIDTH * HEIGHT];
    for y in [40, 70, 100].into_iter().flat_map(|top| top..top + 12) {
        for left in [60, 180, 300] {
            data[y * WIDTH + left..][..40].fill(0);
        }
    }
    let (width, height) = (WIDTH as u32, HEIGHT as u32);
    Page {
        index: 0,
        count: 1,
        dpi: 150,
        width,
        height,
        format: PixelFormat::Luma8,
        data,
        text_layer: Vec::new(),
    }
}
