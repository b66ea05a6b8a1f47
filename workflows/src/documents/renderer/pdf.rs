//! PDF pages, by hayro.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hayro::hayro_interpret::util::TransformExt;
use hayro::hayro_interpret::{InterpreterSettings, InterpreterWarning};
use hayro::hayro_syntax::page::Page;
use hayro::hayro_syntax::{DecryptionError, LoadPdfError, Pdf};
use hayro::kurbo::{Affine, Rect};
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::vello_cpu::peniko::ImageAlphaType;
use hayro::{PixmapSettings, RenderCache, RenderSettings, render as rasterize};
use image::{Rgba, RgbaImage};

use super::picture::in_color;
use super::protocol::{Answer, ChildLimits, RenderOptions};
use super::{pdf_losses, text};
use crate::documents::error::DocumentError;

/// PDF's unit of length (ISO 32000-1, 8.3.2.3).
const POINTS_PER_INCH: f32 = 72.0;

pub(super) fn count(pdf: &Pdf) -> u32 {
    u32::try_from(pdf.pages().len()).unwrap_or(u32::MAX)
}

pub(super) fn render(
    pdf: &Pdf,
    index: u32,
    options: RenderOptions,
    limits: &ChildLimits,
) -> Result<(Answer, Vec<u8>), DocumentError> {
    let pages = count(pdf);
    let page = pdf
        .pages()
        .get(index as usize)
        .ok_or_else(|| DocumentError::PageOutOfRange { page: index.saturating_add(1), pages })?;
    let number = index.saturating_add(1);
    let points = page.render_dimensions();
    let unit = user_unit(page);
    let size = |dpi| (pixels(points.0 * unit, dpi), pixels(points.1 * unit, dpi));
    limits.check_at(number, options.dpi, size)?;
    let (width, height) = size(options.dpi);
    let scale = (scale(width, points.0), scale(height, points.1));
    let (mut picture, all_decoded) = rasterized(page, scale)?;
    let (width, height) = picture.dimensions();
    let transform = Affine::scale_non_uniform(f64::from(scale.0), f64::from(scale.1))
        * page.initial_transform(true).to_kurbo();
    let losses = pdf_losses::find(page, transform, (width, height), !all_decoded || is_blank(&picture));
    losses.noise.iter().for_each(|area| whiten(&mut picture, *area));
    if !losses.told.is_empty() && !losses.has_text && is_blank(&picture) {
        return Err(DocumentError::PageBroken { page: number, reason: losses.told.join("; ") });
    }
    let pixels = in_color(picture.into(), options.color).into_bytes();
    let text_layer = text::layer(page, (width, height), scale);
    let (dpi, color, warnings) = (options.dpi, options.color, losses.told);
    Ok((Answer::Rendered { width, height, dpi, color, text_layer, warnings }, pixels))
}

/// The page as hayro draws it, opaque, as the paper is, and whether it could
/// decode each picture that it wanted.
fn rasterized(page: &Page<'_>, (x_scale, y_scale): (f32, f32)) -> Result<(RgbaImage, bool), DocumentError> {
    let all_decoded = Arc::new(AtomicBool::new(true));
    let settings = InterpreterSettings { warning_sink: listener(&all_decoded), ..Default::default() };
    let pixmap_settings = PixmapSettings { x_scale, y_scale, bg_color: WHITE };
    let cache = RenderCache::new();
    let pixmap = rasterize(page, &cache, &settings, &RenderSettings::default(), &pixmap_settings);
    drop(cache);
    let (width, height) = (u32::from(pixmap.width()), u32::from(pixmap.height()));
    let picture = RgbaImage::from_raw(width, height, pixmap.take_rgba8(ImageAlphaType::AlphaPremultiplied));
    let picture = picture.ok_or_else(|| broken("its page has fewer pixels than it should".to_owned()))?;
    Ok((picture, all_decoded.load(Ordering::Relaxed)))
}

/// Puts `all_decoded` out when a picture can't be decoded.
fn listener(all_decoded: &Arc<AtomicBool>) -> Arc<dyn Fn(InterpreterWarning) + Send + Sync> {
    let all_decoded = Arc::clone(all_decoded);
    Arc::new(move |warning| {
        if matches!(warning, InterpreterWarning::ImageDecodeFailure) {
            all_decoded.store(false, Ordering::Relaxed);
        }
    })
}

fn is_blank(picture: &RgbaImage) -> bool {
    picture.as_raw().iter().all(|byte| *byte == u8::MAX)
}

/// Makes paper of `area`.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "casts saturate")]
fn whiten(picture: &mut RgbaImage, area: Rect) {
    let (right, bottom) =
        (picture.width().min(area.x1.ceil() as u32), picture.height().min(area.y1.ceil() as u32));
    for y in area.y0.floor() as u32..bottom {
        for x in area.x0.floor() as u32..right {
            picture.put_pixel(x, y, Rgba([u8::MAX; 4]));
        }
    }
}

/// How many of PDF's units of length one of the page's is (ISO 32000-1, table
/// 30).
fn user_unit(page: &Page<'_>) -> f32 {
    page.raw().get::<f32>(b"UserUnit").filter(|unit| unit.is_finite() && *unit > 0.0).unwrap_or(1.0)
}

pub(super) fn open(data: Vec<u8>) -> Result<Pdf, DocumentError> {
    Pdf::new(data).map_err(|error| match error {
        LoadPdfError::Decryption(DecryptionError::PasswordProtected) => DocumentError::Encrypted,
        LoadPdfError::Decryption(other) => broken(format!("its encryption: {other:?}")),
        LoadPdfError::Invalid => broken("it is damaged or cut off".to_owned()),
    })
}

fn broken(reason: String) -> DocumentError {
    DocumentError::Broken { what: "PDF".to_owned(), reason }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "saturating casts; what is out of bounds is refused right after"
)]
fn pixels(points: f32, dpi: u32) -> u32 {
    ((points * dpi as f32 / POINTS_PER_INCH).round() as u32).max(1)
}

/// The scale at which hayro, which cuts fractions off, makes exactly `pixels`.
#[expect(clippy::cast_precision_loss, reason = "page sides are far below 2^24 pixels")]
fn scale(pixels: u32, points: f32) -> f32 {
    (pixels as f32 + 0.01) / points.max(f32::MIN_POSITIVE)
}
