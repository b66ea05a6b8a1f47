//! Pictures: PNG, JPEG, WebP, and each page of a TIFF.

use std::io::Cursor;

use image::codecs::{jpeg::JpegDecoder, png::PngDecoder, tiff::TiffDecoder, webp::WebPDecoder};
use image::{DynamicImage, GenericImageView, ImageDecoder, ImageResult, Limits as DecoderLimits, Rgba};

use super::protocol::{Answer, ChildLimits, Color, RenderOptions};
use super::tiff_pages::TiffPages;
use crate::documents::error::DocumentError;
use crate::documents::kind::Kind;

type Decoder = Box<dyn ImageDecoder>;

pub(super) fn count(data: Vec<u8>, kind: Kind, limits: &ChildLimits) -> Result<u32, DocumentError> {
    if kind != Kind::Tiff {
        open(data, kind, 1, limits)?;
        return Ok(1);
    }
    let pages = TiffPages::read(&data, limits.pages_max).map_err(|reason| broken(kind, reason))?;
    open(data, kind, 1, limits)?;
    Ok(pages.count())
}

pub(super) fn render(
    mut data: Vec<u8>,
    kind: Kind,
    index: u32,
    options: RenderOptions,
    limits: &ChildLimits,
) -> Result<(Answer, Vec<u8>), DocumentError> {
    let page = index.saturating_add(1);
    if kind == Kind::Tiff {
        let pages = TiffPages::read(&data, limits.pages_max).map_err(|reason| broken(kind, reason))?;
        if !pages.put_first(&mut data, index) {
            return Err(DocumentError::PageOutOfRange { page, pages: pages.count() });
        }
    } else if index > 0 {
        return Err(DocumentError::PageOutOfRange { page, pages: 1 });
    }
    let mut decoder = open(data, kind, page, limits)?;
    let orientation = decoder.orientation().map_err(|e| broken(kind, e.to_string()))?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|e| broken(kind, e.to_string()))?;
    picture.apply_orientation(orientation);
    let (width, height) = picture.dimensions();
    let pixels = flatten(picture, options.color);
    Ok((Answer::Rendered { width, height, dpi: 0, color: options.color, text_layer: Vec::new() }, pixels))
}

/// A decoder that has read the header, and whose picture may be made.
fn open(data: Vec<u8>, kind: Kind, page: u32, limits: &ChildLimits) -> Result<Decoder, DocumentError> {
    let mut decoder = decoder(data, kind).map_err(|e| broken(kind, e.to_string()))?;
    let (width, height) = decoder.dimensions();
    limits.check(page, width, height)?;
    let mut memory = DecoderLimits::default();
    memory.max_alloc = Some(limits.memory_bytes_max / 2);
    decoder.set_limits(memory).map_err(|e| broken(kind, e.to_string()))?;
    Ok(decoder)
}

fn decoder(data: Vec<u8>, kind: Kind) -> ImageResult<Decoder> {
    let data = Cursor::new(data);
    Ok(match kind {
        Kind::Png => Box::new(PngDecoder::new(data)?),
        Kind::Jpeg => Box::new(JpegDecoder::new(data)?),
        Kind::WebP => Box::new(WebPDecoder::new(data)?),
        Kind::Tiff | Kind::Pdf => Box::new(TiffDecoder::new(data)?),
    })
}

/// Bytes in the wanted colours; what is transparent lies on white paper.
fn flatten(picture: DynamicImage, color: Color) -> Vec<u8> {
    let picture = if picture.color().has_alpha() { on_white(&picture) } else { picture };
    match color {
        Color::Gray => picture.into_luma8().into_raw(),
        Color::Rgb => picture.into_rgb8().into_raw(),
    }
}

fn on_white(picture: &DynamicImage) -> DynamicImage {
    let mut flat = picture.to_rgba8();
    for Rgba([r, g, b, a]) in flat.pixels_mut() {
        for channel in [r, g, b] {
            let mixed = u32::from(*channel) * u32::from(*a) + 255 * (255 - u32::from(*a));
            *channel = u8::try_from(mixed / 255).unwrap_or(u8::MAX);
        }
        *a = 255;
    }
    DynamicImage::ImageRgba8(flat)
}

fn broken(kind: Kind, reason: String) -> DocumentError {
    DocumentError::Broken { what: kind.mime().to_owned(), reason }
}
