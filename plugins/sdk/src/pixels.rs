//! Pulls the page's pixels.

use crate::{Bitmap, Failure, Page, PixelFormat, Rect};

/// The whole page in gray, a byte a pixel, scaled down so that no side exceeds
/// `max_side` (0: not scaled). `data` holds exactly `width * height` bytes.
///
/// # Errors
/// The host's failure where it has no pixels to give, and `bad-image` where
/// their number does not fit the size it states.
pub fn luma8(page: &Page, max_side: u32) -> Result<Bitmap, Failure> {
    let info = page.info();
    let whole = Rect { x: 0, y: 0, width: info.width, height: info.height };
    let bitmap = page.pixels(whole, PixelFormat::Luma8, max_side)?;
    if bitmap.data.len() as u64 == u64::from(bitmap.width) * u64::from(bitmap.height) {
        Ok(bitmap)
    } else {
        Err(Failure::new(
            "bad-image",
            format!("{} bytes for a gray picture of {} x {}", bitmap.data.len(), bitmap.width, bitmap.height),
        ))
    }
}
