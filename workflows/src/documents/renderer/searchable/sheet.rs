//! Pictures as pages. A JPEG and a plain PNG are taken as they are packed; others are
//! packed without loss, in grey where they have no colours, in one bit a pixel where
//! they are black and white.

use std::io::Write;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, ImageEncoder};
use pdf_writer::types::Predictor;
use pdf_writer::{Filter, Finish, Name, Ref, Str};

use super::document::{Document, Sheet};
use super::file::{PdfFile, new_chunk, packed};
use super::png_data::{Colors, PngData};
use super::{RecognizedPages, text};
use crate::documents::error::DocumentError;
use crate::documents::kind::Kind;
use crate::documents::renderer::density::Density;
use crate::documents::renderer::picture::{self, Original};
use crate::documents::renderer::protocol::{ChildLimits, Color};
use crate::documents::renderer::whole;

/// Points of the longer side of a picture that does not say how large it is: it is
/// taken for a photograph of a sheet of A4.
const SIDE: f32 = 842.0;

/// Points that a page may have a side (ISO 32000-1, annex C.2).
const SIDE_MAX: f32 = 14_400.0;

/// A page that takes more than this part of its pixels when it is packed without
/// loss is a photograph, which a JPEG shows as well in a tenth.
const PHOTOGRAPH: usize = 4;

/// Of JPEGs that are made here, of 100: nothing of it is seen on paper.
const QUALITY: u8 = 90;

/// Writes the document of a picture file.
pub(super) fn write<W: Write>(
    mut document: Document<'_, W>,
    data: &[u8],
    kind: Kind,
    pages: &RecognizedPages,
    limits: &ChildLimits,
) -> Result<(), DocumentError> {
    for recognized in pages.read()? {
        let recognized = recognized?;
        let original = picture::original(data.to_vec(), kind, recognized.index, limits)?;
        let sheet = sheet(&mut document.file, data, kind, &original)?;
        let text = text::shown(&recognized, sheet.size, &mut document.font, |_| false);
        document.put_sheet(&sheet, text)?;
    }
    document.finish_new()
}

fn sheet<W: Write>(
    file: &mut PdfFile<W>,
    data: &[u8],
    kind: Kind,
    original: &Original,
) -> Result<Sheet, DocumentError> {
    let Original { picture, orientation, density } = original;
    let size = size(picture, *density);
    let id = match (kind, PngData::of(data)) {
        (Kind::Jpeg, _) if whole::is_plain_jpeg(data) => put_jpeg(file, data, picture)?,
        (Kind::Png, Some(png)) => put_png(file, &png)?,
        _ => put_picture(file, picture, false)?,
    };
    Ok(placed(id, size, *orientation))
}

/// A sheet with a picture that fills it once it is turned.
pub(super) fn placed(picture: Ref, (width, height): (f32, f32), orientation: Orientation) -> Sheet {
    let (w, h) = match orientation {
        Orientation::Rotate90
        | Orientation::Rotate270
        | Orientation::Rotate90FlipH
        | Orientation::Rotate270FlipH => (height, width),
        _ => (width, height),
    };
    // Where the picture's sides, to the right and up, and its lower left corner go.
    let matrix = match orientation {
        Orientation::NoTransforms => [w, 0.0, 0.0, h, 0.0, 0.0],
        Orientation::Rotate90 => [0.0, -h, w, 0.0, 0.0, h],
        Orientation::Rotate180 => [-w, 0.0, 0.0, -h, w, h],
        Orientation::Rotate270 => [0.0, h, -w, 0.0, w, 0.0],
        Orientation::FlipHorizontal => [-w, 0.0, 0.0, h, w, 0.0],
        Orientation::FlipVertical => [w, 0.0, 0.0, -h, 0.0, h],
        Orientation::Rotate90FlipH => [0.0, -h, -w, 0.0, w, h],
        Orientation::Rotate270FlipH => [0.0, h, w, 0.0, 0.0, 0.0],
    };
    let [a, b, c, d, e, f] = matrix;
    let drawn = format!("q {a} {b} {c} {d} {e} {f} cm /P Do Q\n").into_bytes();
    Sheet { size: (w, h), drawn, pictures: vec![("P".to_owned(), picture)] }
}

/// Points across and down, before the picture is turned.
#[expect(clippy::cast_precision_loss, reason = "sides are far below 2^24 pixels")]
fn size(picture: &DynamicImage, density: Option<Density>) -> (f32, f32) {
    let (width, height) = (picture.width() as f32, picture.height() as f32);
    let (width, height) = match density {
        Some(Density { x, y }) => (width * 72.0 / x, height * 72.0 / y),
        None => {
            let scale = (SIDE / width.max(height)).min(1.0);
            (width * scale, height * scale)
        }
    };
    let scale = (SIDE_MAX / width.max(height)).min(1.0);
    ((width * scale).max(1.0), (height * scale).max(1.0))
}

fn put_jpeg<W: Write>(
    file: &mut PdfFile<W>,
    data: &[u8],
    picture: &DynamicImage,
) -> Result<Ref, DocumentError> {
    let id = file.numbers.next();
    let mut chunk = new_chunk();
    let mut image = chunk.image_xobject(id, data);
    image.filter(Filter::DctDecode);
    image.width(side(picture.width())).height(side(picture.height())).bits_per_component(8);
    match picture.color().has_color() {
        true => image.color_space().device_rgb(),
        false => image.color_space().device_gray(),
    }
    image.finish();
    file.put(&chunk)?;
    Ok(id)
}

fn put_png<W: Write>(file: &mut PdfFile<W>, png: &PngData) -> Result<Ref, DocumentError> {
    let id = file.numbers.next();
    let mut chunk = new_chunk();
    let mut image = chunk.image_xobject(id, &png.data);
    image.filter(Filter::FlateDecode);
    image.width(side(png.width)).height(side(png.height)).bits_per_component(i32::from(png.bits));
    let colors = match &png.colors {
        Colors::Gray => {
            image.color_space().device_gray();
            1
        }
        Colors::Rgb => {
            image.color_space().device_rgb();
            3
        }
        Colors::Palette(palette) => {
            let last = i32::try_from(palette.len() / 3).unwrap_or_default() - 1;
            let mut space = image.insert(Name(b"ColorSpace")).array();
            space.item(Name(b"Indexed")).item(Name(b"DeviceRGB")).item(last).item(Str(palette));
            1
        }
    };
    image
        .decode_parms()
        .predictor(Predictor::PngOptimum)
        .colors(colors)
        .bits_per_component(i32::from(png.bits))
        .columns(side(png.width));
    image.finish();
    file.put(&chunk)?;
    Ok(id)
}

/// Packs a picture that is not packed as PDF could show it; a photograph as JPEG, if
/// that is allowed.
pub(super) fn put_picture<W: Write>(
    file: &mut PdfFile<W>,
    picture: &DynamicImage,
    may_lose: bool,
) -> Result<Ref, DocumentError> {
    let plain = plain(picture);
    if let Some(gray) = plain.as_luma8()
        && gray.as_raw().iter().all(|level| matches!(level, 0 | 255))
    {
        return put_black_and_white(file, gray);
    }
    let failed = |error: image::ImageError| DocumentError::PageBroken { page: 1, reason: error.to_string() };
    let mut png = Vec::new();
    let (width, height) = (plain.width(), plain.height());
    PngEncoder::new_with_quality(&mut png, CompressionType::Fast, FilterType::Adaptive)
        .write_image(plain.as_bytes(), width, height, plain.color().into())
        .map_err(failed)?;
    if may_lose && png.len() > plain.as_bytes().len() / PHOTOGRAPH {
        let mut jpeg = Vec::new();
        JpegEncoder::new_with_quality(&mut jpeg, QUALITY)
            .write_image(plain.as_bytes(), width, height, plain.color().into())
            .map_err(failed)?;
        return put_jpeg(file, &jpeg, &plain);
    }
    let png = PngData::of(&png).ok_or_else(|| DocumentError::PageBroken {
        page: 1,
        reason: "its picture could not be packed".to_owned(),
    })?;
    put_png(file, &png)
}

/// In eight bits a sample; grey where all is.
fn plain(picture: &DynamicImage) -> DynamicImage {
    let rgb = picture::flat(picture.clone(), Color::Rgb);
    let has_colors = rgb.as_bytes().chunks_exact(3).any(|rgb| rgb[0] != rgb[1] || rgb[1] != rgb[2]);
    if has_colors { rgb } else { picture::flat(rgb, Color::Gray) }
}

fn put_black_and_white<W: Write>(file: &mut PdfFile<W>, gray: &GrayImage) -> Result<Ref, DocumentError> {
    let bits = |row: &[u8]| -> Vec<u8> {
        let byte = |eight: &[u8]| {
            (0..).zip(eight).fold(0_u8, |byte, (place, level)| byte | (*level & 0x80) >> place)
        };
        row.chunks(8).map(byte).collect()
    };
    let width = gray.width() as usize;
    let rows: Vec<u8> = gray.as_raw().chunks(width.max(1)).flat_map(bits).collect();
    let unpackable = |error: std::io::Error| DocumentError::PageBroken { page: 1, reason: error.to_string() };
    let data = packed(&rows).map_err(unpackable)?;
    let id = file.numbers.next();
    let mut chunk = new_chunk();
    let mut image = chunk.image_xobject(id, &data);
    image.filter(Filter::FlateDecode);
    image.width(side(gray.width())).height(side(gray.height())).bits_per_component(1);
    image.color_space().device_gray();
    image.finish();
    file.put(&chunk)?;
    Ok(id)
}

fn side(pixels: u32) -> i32 {
    i32::try_from(pixels).unwrap_or(i32::MAX)
}
