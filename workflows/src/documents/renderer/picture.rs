//! Pictures: PNG, JPEG, WebP, and each page of a TIFF, HEIC or AVIF.

use std::io::Cursor;

use image::codecs::{jpeg::JpegDecoder, png::PngDecoder, tiff::TiffDecoder, webp::WebPDecoder};
use image::imageops::FilterType;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageResult, Limits as DecoderLimits, Rgba};

use super::density::{self, Density};
use super::protocol::{Answer, ChildLimits, Color, RenderOptions};
use super::tiff_colors::{ColorFixup, color_fixup};
use super::tiff_fields::Form;
use super::tiff_pages::{PageOf, TiffPages};
use super::{heif, tiff_fax, tiff_kinds, tiff_strips, whole};
use crate::documents::error::DocumentError;
use crate::documents::kind::Kind;

type Decoder<'a> = Box<dyn ImageDecoder + 'a>;

pub(super) fn count(mut data: Vec<u8>, kind: Kind, limits: &ChildLimits) -> Result<u32, DocumentError> {
    whole::check(&data, kind)?;
    if kind.needs_libheif() {
        return heif::count(&data, kind, limits);
    }
    if kind != Kind::Tiff {
        open(&data, kind, 1, None, limits)?;
        return Ok(1);
    }
    let pages = TiffPages::read(&data, limits.pages_max).map_err(|reason| broken(kind, reason))?;
    if (1..=limits.pages_max).contains(&pages.count()) {
        tiff_strips::check(&data, &pages)?;
        for index in 0..pages.count() {
            look_at(&mut data, &pages, index, limits)?;
        }
    }
    Ok(pages.count())
}

/// Reads the head of a TIFF's page as if its picture were to be made. That takes
/// some microseconds; the deadline of a look ends a file that makes more of it.
fn look_at(
    data: &mut [u8],
    pages: &TiffPages,
    index: u32,
    limits: &ChildLimits,
) -> Result<(), DocumentError> {
    pages.put_first(data, index);
    let (form, page) = (Form::of(data), PageOf { page: index.saturating_add(1), pages: pages.count() });
    let place = form.first(data).unwrap_or_default();
    tiff_kinds::without_idle_predictor(form, data, place);
    tiff_kinds::check(form, data, place, page)?;
    let kind = tiff_kinds::name(form, data, place);
    let fixup = color_fixup(data);
    match open(data, Kind::Tiff, page.page, fixup.as_ref(), limits) {
        Ok(_) => Ok(()),
        Err(DocumentError::UnsupportedVariant { .. }) => Err(page.refused(&kind)),
        Err(DocumentError::Broken { reason, .. }) => Err(page.broken(&reason)),
        Err(other) => Err(other),
    }
}

pub(super) fn render(
    data: Vec<u8>,
    kind: Kind,
    index: u32,
    options: RenderOptions,
    limits: &ChildLimits,
) -> Result<(Answer, Vec<u8>), DocumentError> {
    let page = index.saturating_add(1);
    let Original { picture, orientation, density } = original(data, kind, index, limits)?;
    let (mut picture, dpi) = to_scale(flat(picture, options.color), density, options, page, limits)?;
    picture.apply_orientation(orientation);
    let picture = options.at_width(picture);
    let (width, height) = (picture.width(), picture.height());
    Ok((
        Answer::Rendered {
            stays_open: false,
            width,
            height,
            dpi,
            color: options.color,
            text_layer: Vec::new(),
            warnings: Vec::new(),
        },
        picture.into_bytes(),
    ))
}

/// A picture as its file has it.
pub(super) struct Original {
    pub(super) picture: DynamicImage,
    /// How it is to be turned.
    pub(super) orientation: Orientation,
    /// Before it is turned.
    pub(super) density: Option<Density>,
}

pub(super) fn original(
    mut data: Vec<u8>,
    kind: Kind,
    index: u32,
    limits: &ChildLimits,
) -> Result<Original, DocumentError> {
    if kind.needs_libheif() {
        let picture = heif::decode(&data, kind, index, limits)?;
        return Ok(Original { picture, orientation: Orientation::NoTransforms, density: None });
    }
    let page = index.saturating_add(1);
    let fixup = turn_to(&mut data, kind, index, limits)?;
    let mut decoder = open(&data, kind, page, fixup.as_ref(), limits)?;
    let density = density::of(&data, kind, decoder.as_mut());
    // Metadata that can't be read turns nothing.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let picture = pixels(decoder, &data, kind, page, limits)?;
    let picture = fixup.into_iter().fold(picture, |picture, fixup| fixup.apply(picture));
    Ok(Original { picture, orientation, density })
}

/// All that `decoder`, or what it can't do, makes of `data`.
fn pixels(
    decoder: Decoder<'_>,
    data: &[u8],
    kind: Kind,
    page: u32,
    limits: &ChildLimits,
) -> Result<DynamicImage, DocumentError> {
    if kind == Kind::Tiff && tiff_fax::is_fax(data) {
        let fax = tiff_fax::decode(data, decoder.dimensions());
        return fax.map_err(|reason| DocumentError::PageBroken { page, reason });
    }
    DynamicImage::from_decoder(decoder).map_err(|error| refusal(&error, kind, page, limits))
}

/// Makes the wanted page the one that a decoder of `data` sees.
fn turn_to(
    data: &mut [u8],
    kind: Kind,
    index: u32,
    limits: &ChildLimits,
) -> Result<Option<ColorFixup>, DocumentError> {
    let page = index.saturating_add(1);
    if kind != Kind::Tiff {
        return if index == 0 { Ok(None) } else { Err(DocumentError::PageOutOfRange { page, pages: 1 }) };
    }
    let pages = TiffPages::read(data, limits.pages_max).map_err(|reason| broken(kind, reason))?;
    if !pages.put_first(data, index) {
        return Err(DocumentError::PageOutOfRange { page, pages: pages.count() });
    }
    tiff_strips::high_bits_first(data);
    let form = Form::of(data);
    tiff_kinds::without_idle_predictor(form, data, form.first(data).unwrap_or_default());
    Ok(color_fixup(data))
}

/// A decoder that has read the header, and whose picture may be made.
fn open<'a>(
    data: &'a [u8],
    kind: Kind,
    page: u32,
    fixup: Option<&ColorFixup>,
    limits: &ChildLimits,
) -> Result<Decoder<'a>, DocumentError> {
    let mut decoder = decoder(data, kind).map_err(|error| match error {
        ImageError::Unsupported(error) => {
            DocumentError::UnsupportedVariant { what: format!("this variant of {} ({error})", kind.mime()) }
        }
        error => broken(kind, error.to_string()),
    })?;
    let (width, height) = decoder.dimensions();
    limits.check(page, fixup.and_then(ColorFixup::width).unwrap_or(width), height)?;
    let mut memory = DecoderLimits::default();
    memory.max_alloc = Some(limits.memory_bytes_max);
    decoder.set_limits(memory).map_err(|error| refusal(&error, kind, page, limits))?;
    Ok(decoder)
}

fn decoder(data: &[u8], kind: Kind) -> ImageResult<Decoder<'_>> {
    let data = Cursor::new(data);
    Ok(match kind {
        Kind::Png => Box::new(PngDecoder::new(data)?),
        Kind::Jpeg => Box::new(JpegDecoder::new(data)?),
        Kind::WebP => Box::new(WebPDecoder::new(data)?),
        Kind::Tiff | Kind::Heic | Kind::Avif | Kind::Pdf => Box::new(TiffDecoder::new(data)?),
    })
}

/// The picture in the wanted colours, 8 bits a channel; what is transparent
/// lies on white paper.
pub(super) fn flat(picture: DynamicImage, color: Color) -> DynamicImage {
    in_color(if picture.color().has_alpha() { on_white(picture) } else { picture }, color)
}

/// The picture in the wanted colours, 8 bits a channel.
pub(super) fn in_color(picture: DynamicImage, color: Color) -> DynamicImage {
    match color {
        Color::Gray => picture.into_luma8().into(),
        Color::Rgb => picture.into_rgb8().into(),
    }
}

fn on_white(picture: DynamicImage) -> DynamicImage {
    let mut flat = picture.into_rgba8();
    for Rgba([r, g, b, a]) in flat.pixels_mut() {
        for channel in [r, g, b] {
            let mixed = u32::from(*channel) * u32::from(*a) + 255 * (255 - u32::from(*a));
            *channel = u8::try_from(mixed / 255).unwrap_or(u8::MAX);
        }
        *a = 255;
    }
    flat.into()
}

/// The picture at no more than the resolution and size of `options`, as high as it is wide on paper (a fax
/// has half as many lines as columns), and its resolution; 0 if the file does
/// not say how large it is.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "both sides are small and positive"
)]
#[expect(clippy::cast_precision_loss, reason = "sides are far below 2^24 pixels")]
fn to_scale(
    picture: DynamicImage,
    density: Option<Density>,
    options: RenderOptions,
    page: u32,
    limits: &ChildLimits,
) -> Result<(DynamicImage, u32), DocumentError> {
    let Some(Density { x, y }) = density else {
        let longer = picture.width().max(picture.height());
        return Ok(match options.side_max.filter(|side_max| longer > *side_max) {
            Some(side_max) => (picture.resize(side_max, side_max, FilterType::Triangle), 0),
            None => (picture, 0),
        });
    };
    let target = |dpi: u32| x.max(y).min(dpi as f32);
    let size = |dpi: u32| {
        let scaled = |side: u32, density: f32| ((side as f32 * target(dpi) / density).round() as u32).max(1);
        (scaled(picture.width(), x), scaled(picture.height(), y))
    };
    // Its width is the one that it has before it is turned.
    let dpi = RenderOptions { width_max: None, ..options }.dpi_of(size);
    let ((width, height), stated) = (size(dpi), target(dpi).round() as u32);
    if (width, height) == (picture.width(), picture.height()) {
        return Ok((picture, stated));
    }
    limits.check_at(page, dpi, size)?;
    Ok((picture.resize_exact(width, height, FilterType::Triangle), stated))
}

/// What a decoder's no means once the header was read.
fn refusal(error: &ImageError, kind: Kind, page: u32, limits: &ChildLimits) -> DocumentError {
    match error {
        ImageError::Limits(_) => DocumentError::Memory {
            what: format!("page {page} of the {}", kind.mime()),
            memory_bytes_max: limits.memory_bytes_max,
        },
        ImageError::Decoding(_)
        | ImageError::Encoding(_)
        | ImageError::Parameter(_)
        | ImageError::Unsupported(_)
        | ImageError::IoError(_) => DocumentError::PageBroken { page, reason: error.to_string() },
    }
}

fn broken(kind: Kind, reason: String) -> DocumentError {
    DocumentError::Broken { what: kind.mime().to_owned(), reason }
}
