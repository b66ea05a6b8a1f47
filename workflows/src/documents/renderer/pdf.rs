//! PDF pages, by hayro.

use hayro::hayro_interpret::InterpreterSettings;
use hayro::hayro_syntax::{DecryptionError, LoadPdfError, Pdf};
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::vello_cpu::peniko::ImageAlphaType;
use hayro::{PixmapSettings, RenderCache, RenderSettings, render as rasterize};
use image::RgbaImage;

use super::picture::in_color;
use super::protocol::{Answer, ChildLimits, RenderOptions};
use super::text;
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
    let (width_pt, height_pt) = page.render_dimensions();
    let (width, height) = (pixels(width_pt, options.dpi), pixels(height_pt, options.dpi));
    limits.check(index.saturating_add(1), width, height)?;
    let cache = RenderCache::new();
    let settings = InterpreterSettings::default();
    let pixmap_settings = PixmapSettings {
        x_scale: scale(width, width_pt),
        y_scale: scale(height, height_pt),
        bg_color: WHITE,
    };
    let pixmap = rasterize(page, &cache, &settings, &RenderSettings::default(), &pixmap_settings);
    drop(cache);
    let (width, height) = (u32::from(pixmap.width()), u32::from(pixmap.height()));
    // Opaque, as the paper is.
    let picture = RgbaImage::from_raw(width, height, pixmap.take_rgba8(ImageAlphaType::AlphaPremultiplied));
    let picture = picture.ok_or_else(|| broken("its page has fewer pixels than it should".to_owned()))?;
    let pixels = in_color(picture.into(), options.color).into_bytes();
    let text_layer = text::layer(page, (width, height), (pixmap_settings.x_scale, pixmap_settings.y_scale));
    Ok((Answer::Rendered { width, height, dpi: options.dpi, color: options.color, text_layer }, pixels))
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
