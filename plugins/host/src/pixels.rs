//! Pixels as an engine asks for them: a part of the page, scaled down, in the
//! format it wants.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::imageops::{FilterType, resize};
use image::{DynamicImage, ExtendedColorType, GrayImage, ImageEncoder, RgbImage};

use crate::contract::untxt::ocr::types::{Bitmap, Failure, ImageEncoding, PixelFormat as Wanted, Rect};
use crate::page::{Page, PixelFormat};

/// The part `area` of `page`, no side longer than `side_max` (0: as it is).
pub(crate) fn bitmap(page: &Page, area: Rect, format: Wanted, side_max: u32) -> Result<Bitmap, Failure> {
    let (picture, scale) = cut(page, area, side_max)?;
    let (width, height) = (picture.width(), picture.height());
    let data = match format {
        Wanted::Luma8 => picture.into_luma8().into_raw(),
        Wanted::Rgb8 => picture.into_rgb8().into_raw(),
        Wanted::Rgba8 => picture.into_rgba8().into_raw(),
    };
    Ok(Bitmap { width, height, scale, format, data })
}

/// The same as a file. `quality` is 1..100, for JPEG.
pub(crate) fn encoded(
    page: &Page,
    area: Rect,
    encoding: ImageEncoding,
    side_max: u32,
    quality: u8,
) -> Result<Vec<u8>, Failure> {
    let (picture, _) = cut(page, area, side_max)?;
    let (width, height) = (picture.width(), picture.height());
    let (data, color) = match picture {
        DynamicImage::ImageLuma8(gray) => (gray.into_raw(), ExtendedColorType::L8),
        other => (other.into_rgb8().into_raw(), ExtendedColorType::Rgb8),
    };
    let mut file = Cursor::new(Vec::new());
    let written = match encoding {
        ImageEncoding::Png => PngEncoder::new(&mut file).write_image(&data, width, height, color),
        ImageEncoding::Jpeg => JpegEncoder::new_with_quality(&mut file, quality.clamp(1, 100))
            .write_image(&data, width, height, color),
    };
    written.map_err(|error| failure("encoding-failed", error.to_string()))?;
    Ok(file.into_inner())
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "page sides are far below 2^24 pixels"
)]
fn cut(page: &Page, area: Rect, side_max: u32) -> Result<(DynamicImage, f32), Failure> {
    let fits = |from: u32, extent: u32, whole: u32| {
        extent > 0 && from.checked_add(extent).is_some_and(|end| end <= whole)
    };
    if !fits(area.x, area.width, page.width) || !fits(area.y, area.height, page.height) {
        let text = format!("{area:?} does not lie on a page of {} x {} pixels", page.width, page.height);
        return Err(failure("bad-area", text));
    }
    let longest = area.width.max(area.height);
    let scale = if side_max == 0 || longest <= side_max { 1.0 } else { longest as f32 / side_max as f32 };
    let scaled = |side: u32| ((side as f32 / scale).round() as u32).max(1);
    let size = (scale > 1.0).then(|| (scaled(area.width), scaled(area.height)));
    Ok((picture(page, area, size), scale))
}

fn picture(page: &Page, area: Rect, size: Option<(u32, u32)>) -> DynamicImage {
    let part = rows(page, area);
    match page.format {
        PixelFormat::Luma8 => {
            let part = GrayImage::from_raw(area.width, area.height, part).unwrap_or_default();
            DynamicImage::ImageLuma8(match size {
                Some((width, height)) => resize(&part, width, height, FilterType::Triangle),
                None => part,
            })
        }
        PixelFormat::Rgb8 => {
            let part = RgbImage::from_raw(area.width, area.height, part).unwrap_or_default();
            DynamicImage::ImageRgb8(match size {
                Some((width, height)) => resize(&part, width, height, FilterType::Triangle),
                None => part,
            })
        }
    }
}

/// The bytes of `area`, which lies on the page.
fn rows(page: &Page, area: Rect) -> Vec<u8> {
    let channels = page.format.channels();
    let (left, bytes) = (area.x as usize * channels, area.width as usize * channels);
    let all = page.data.chunks_exact(page.width as usize * channels);
    let wanted = all.skip(area.y as usize).take(area.height as usize);
    wanted.flat_map(|row| &row[left..left + bytes]).copied().collect()
}

pub(crate) fn failure(code: &str, message: String) -> Failure {
    Failure { code: code.to_owned(), message, attributes: Vec::new() }
}
