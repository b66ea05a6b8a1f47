//! Pixels as an engine requests them: a part of the page, scaled down, in the
//! requested format. The guests' clock can't interrupt this, so it is bounded by the
//! bytes of the result and calls `check_stopped` at every row.

use wasmtime::Result;

use crate::contract::untxt::ocr::types::{Bitmap, Failure, ImageEncoding, PixelFormat as GuestFormat, Rect};
use crate::page::{Page, PixelFormat, luma};
use crate::picture::Picture;
use crate::scale::{Grid, each_row};

/// A4 at 400 dpi has 15 million, and models of vision take less. Packing a PNG
/// can't be interrupted; noise of this many takes about two seconds without
/// optimisation, which is what the host waits beyond a deadline.
const ENCODED_PIXELS_MAX: u64 = 16_000_000;

/// Code of a failure of the host itself.
pub(crate) const ENCODING_FAILED: &str = "encoding-failed";

/// The requested part of a page and its resolution.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View {
    pub(crate) area: Rect,
    /// Pixels of the longer side; 0: the resolution of the page.
    pub(crate) side_max: u32,
}

/// The pixels of `view`. More than `bytes_max` are refused before any is computed.
///
/// # Errors
/// Outer: that of `check_stopped`. Inner: `bad-area` and `area-too-large`.
pub(crate) fn bitmap(
    page: &Page,
    view: View,
    format: GuestFormat,
    bytes_max: usize,
    check_stopped: &mut dyn FnMut() -> Result<()>,
) -> Result<Result<Bitmap, Failure>> {
    let grid = match grid(page, view) {
        Ok(grid) => grid,
        Err(failure) => return Ok(Err(failure)),
    };
    let bytes = pixels(&grid) * channels(format);
    if bytes > bytes_max as u64 {
        return Ok(Err(too_large(&format!("{bytes} bytes of pixels"), &format!("{bytes_max} bytes"))));
    }
    let mut data = Vec::with_capacity(bytes as usize);
    each_row(page, &grid, check_stopped, &mut |row| append(&mut data, row, page.format, format))?;
    Ok(Ok(Bitmap { width: grid.width(), height: grid.height(), scale: grid.scale(), format, data }))
}

/// The same as an encoded file. `quality` is 1..100, for JPEG.
///
/// # Errors
/// As [`bitmap`], and `encoding-failed`.
pub(crate) fn encoded(
    page: &Page,
    view: View,
    encoding: ImageEncoding,
    quality: u8,
    check_stopped: &mut dyn FnMut() -> Result<()>,
) -> Result<Result<Vec<u8>, Failure>> {
    let grid = match grid(page, view) {
        Ok(grid) => grid,
        Err(failure) => return Ok(Err(failure)),
    };
    if pixels(&grid) > ENCODED_PIXELS_MAX {
        let allowed = format!("{ENCODED_PIXELS_MAX} pixels");
        return Ok(Err(too_large(&format!("a picture of {} pixels", pixels(&grid)), &allowed)));
    }
    let mut data = Vec::with_capacity(pixels(&grid) as usize * page.format.channels());
    each_row(page, &grid, check_stopped, &mut |row| data.extend_from_slice(row))?;
    let (width, height, format) = (grid.width(), grid.height(), page.format);
    let file = Picture { width, height, format, data: &data }.encoded(encoding, quality, check_stopped)?;
    Ok(file.map_err(|error| failure(ENCODING_FAILED, error.to_string())))
}

fn grid(page: &Page, view: View) -> Result<Grid, Failure> {
    let area = view.area;
    let fits = |from: u32, extent: u32, whole: u32| {
        extent > 0 && from.checked_add(extent).is_some_and(|end| end <= whole)
    };
    if !fits(area.x, area.width, page.width) || !fits(area.y, area.height, page.height) {
        let text = format!("{area:?} exceeds the page of {} x {} pixels", page.width, page.height);
        return Err(failure("bad-area", text));
    }
    Ok(Grid::new(area, view.side_max))
}

fn pixels(grid: &Grid) -> u64 {
    u64::from(grid.width()) * u64::from(grid.height())
}

fn channels(format: GuestFormat) -> u64 {
    match format {
        GuestFormat::Luma8 => 1,
        GuestFormat::Rgb8 => 3,
        GuestFormat::Rgba8 => 4,
    }
}

fn append(data: &mut Vec<u8>, row: &[u8], from: PixelFormat, to: GuestFormat) {
    let colors = || row.as_chunks::<3>().0.iter();
    match (from, to) {
        (PixelFormat::Luma8, GuestFormat::Luma8) | (PixelFormat::Rgb8, GuestFormat::Rgb8) => {
            data.extend_from_slice(row)
        }
        (PixelFormat::Luma8, GuestFormat::Rgb8) => data.extend(row.iter().flat_map(|gray| [*gray; 3])),
        (PixelFormat::Luma8, GuestFormat::Rgba8) => {
            data.extend(row.iter().flat_map(|&gray| [gray, gray, gray, u8::MAX]));
        }
        (PixelFormat::Rgb8, GuestFormat::Luma8) => data.extend(colors().copied().map(luma)),
        (PixelFormat::Rgb8, GuestFormat::Rgba8) => {
            data.extend(colors().flat_map(|&[red, green, blue]| [red, green, blue, u8::MAX]));
        }
    }
}

fn too_large(requested: &str, allowed: &str) -> Failure {
    failure(
        "area-too-large",
        format!(
            "this area is {requested}, and {allowed} are allowed; request a smaller area or set max-side"
        ),
    )
}

fn failure(code: &str, message: String) -> Failure {
    Failure { code: code.to_owned(), message, attributes: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES_MAX: usize = 1 << 20;

    fn gray(width: u32, height: u32) -> Page {
        let data = (0..width * height).map(|at| (at % 251) as u8).collect();
        Page::new(0, 1, 0, (width, height), PixelFormat::Luma8, data, vec![]).expect("it fits")
    }

    fn color() -> Page {
        Page::new(0, 1, 0, (2, 1), PixelFormat::Rgb8, vec![255, 0, 0, 255, 255, 255], vec![])
            .expect("it fits")
    }

    fn whole(page: &Page, side_max: u32) -> View {
        View { area: Rect { x: 0, y: 0, width: page.width, height: page.height }, side_max }
    }

    fn made(page: &Page, view: View, format: GuestFormat) -> Result<Bitmap, Failure> {
        bitmap(page, view, format, BYTES_MAX, &mut || Ok(())).expect("nobody stops it")
    }

    #[test]
    fn any_page_comes_in_any_format() {
        let data = |page: &Page, format| made(page, whole(page, 0), format).expect("it is there").data;
        assert_eq!(data(&color(), GuestFormat::Rgb8), [255, 0, 0, 255, 255, 255]);
        assert_eq!(data(&color(), GuestFormat::Rgba8), [255, 0, 0, 255, 255, 255, 255, 255]);
        assert_eq!(data(&color(), GuestFormat::Luma8), [54, 255]);
        assert_eq!(data(&gray(2, 1), GuestFormat::Luma8), [0, 1]);
        assert_eq!(data(&gray(2, 1), GuestFormat::Rgb8), [0, 0, 0, 1, 1, 1]);
        assert_eq!(data(&gray(2, 1), GuestFormat::Rgba8), [0, 0, 0, 255, 1, 1, 1, 255]);
    }

    #[test]
    fn a_bitmap_says_its_size_and_scale() {
        let page = gray(300, 200);
        let view = View { area: Rect { x: 100, y: 0, width: 200, height: 101 }, side_max: 50 };
        let bitmap = made(&page, view, GuestFormat::Rgb8).expect("it is there");
        assert_eq!((bitmap.width, bitmap.height, bitmap.scale), (50, 26, 4.0));
        assert_eq!(bitmap.data.len(), 50 * 26 * 3);
    }

    #[test]
    fn an_area_off_the_page_is_refused() {
        let page = gray(10, 10);
        let areas = [(0, 0, 0, 1), (0, 0, 11, 1), (10, 0, 1, 1), (5, 0, u32::MAX, 1), (0, 1, 1, 10)];
        for (x, y, width, height) in areas {
            let view = View { area: Rect { x, y, width, height }, side_max: 0 };
            assert_eq!(made(&page, view, GuestFormat::Luma8).expect_err("it is off").code, "bad-area");
            let file = encoded(&page, view, ImageEncoding::Png, 80, &mut || Ok(())).expect("nobody stops it");
            assert_eq!(file.expect_err("it is off").code, "bad-area");
        }
    }

    #[test]
    fn more_than_a_guest_can_hold_is_refused_before_it_is_made() {
        let page = gray(1_024, 1_025);
        let refused = bitmap(&page, whole(&page, 0), GuestFormat::Luma8, BYTES_MAX, &mut || panic!("made"));
        let refused = refused.expect("nobody stops it").expect_err("it is too large");
        assert_eq!(refused.code, "area-too-large");
        assert!(refused.message.contains("1049600 bytes") && refused.message.contains("max-side"));
        assert!(made(&page, whole(&page, 1_024), GuestFormat::Luma8).is_ok());
        assert!(made(&page, whole(&page, 1_024), GuestFormat::Rgba8).is_err());
    }

    #[test]
    fn a_picture_is_what_was_asked_for() {
        for page in [gray(60, 30), color()] {
            for (encoding, format) in [
                (ImageEncoding::Png, image::ImageFormat::Png),
                (ImageEncoding::Jpeg, image::ImageFormat::Jpeg),
            ] {
                let file = encoded(&page, whole(&page, 20), encoding, 0, &mut || Ok(()));
                let file = file.expect("nobody stops it").expect("it is there");
                let read = image::load_from_memory_with_format(&file, format).expect("it is a picture");
                let grid = Grid::new(whole(&page, 20).area, 20);
                assert_eq!((read.width(), read.height()), (grid.width(), grid.height()));
            }
        }
    }

    #[test]
    fn a_picture_without_loss_has_the_very_pixels() {
        let page = gray(60, 30);
        let file = encoded(&page, whole(&page, 0), ImageEncoding::Png, 80, &mut || Ok(()));
        let file = file.expect("nobody stops it").expect("it is there");
        let read = image::load_from_memory(&file).expect("it is a picture");
        assert_eq!(read.into_luma8().into_raw(), page.data);
    }
}
