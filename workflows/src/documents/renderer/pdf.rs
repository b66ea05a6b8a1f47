//! PDF pages, by hayro.

use std::collections::BTreeSet;

use hayro::hayro_interpret::util::TransformExt;
use hayro::hayro_syntax::page::Page;
use hayro::hayro_syntax::{DecryptionError, LoadPdfError, Pdf};
use hayro::kurbo::Affine;
use image::{DynamicImage, RgbaImage};

use super::pdf_canvas::{Drawn, is_blank, is_blank_without, whiten};
use super::picture::in_color;
use super::protocol::{Answer, ChildLimits, Color, RenderOptions};
use super::{pdf_canvas, pdf_fields, pdf_losses, pdf_overlay, text};
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
    let in_points = size_in_points(page);
    let dpi = options.dpi_of(|dpi| (pixels(in_points.0, dpi), pixels(in_points.1, dpi)));
    let Picture { mut picture, all_decoded, overlay, transform } = draw(page, number, dpi, limits)?;
    let overlay = overlay.as_ref().and_then(|overlay| overlay.pages().first());
    let size = picture.dimensions();
    let scale = (scale(size.0, points.0), scale(size.1, points.1));
    let without_glyph = overlay.map(pdf_overlay::without_glyph).unwrap_or_default();
    let losses = pdf_losses::find(page, transform, size, !all_decoded || is_blank(&picture));
    losses.noise.iter().for_each(|area| whiten(&mut picture, *area));
    if losses.is_serious && !losses.has_text && is_blank_without(&picture, &losses.cut) {
        return Err(DocumentError::PageBroken { page: number, reason: losses.told.join("; ") });
    }
    let mut text_layer = Vec::new();
    if options.width_max.is_none() {
        text_layer = text::layer(page, size, scale);
        if let Some(overlay) = overlay {
            pdf_overlay::weave(&mut text_layer, text::layer(overlay, size, scale));
        }
    }
    let (color, mut warnings) = (options.color, losses.told);
    warnings.extend(no_font(&without_glyph));
    let picture = options.at_width(in_color(picture.into(), color));
    let (width, height) = (picture.width(), picture.height());
    // One of one page is not asked about again.
    let stays_open = pages > 1;
    let answer = Answer::Rendered { width, height, dpi, color, text_layer, warnings, stays_open };
    Ok((answer, picture.into_bytes()))
}

/// A page as it is drawn.
struct Picture {
    picture: RgbaImage,
    /// Whether all pictures on it could be decoded.
    all_decoded: bool,
    /// What fields and notes say, which was drawn over it.
    overlay: Option<Pdf>,
    /// From the page's points to pixels.
    transform: Affine,
}

fn draw(page: &Page<'_>, number: u32, dpi: u32, limits: &ChildLimits) -> Result<Picture, DocumentError> {
    let (points, in_points) = (page.render_dimensions(), size_in_points(page));
    let size = |dpi| (pixels(in_points.0, dpi), pixels(in_points.1, dpi));
    limits.check_at(number, dpi, size)?;
    let (width, height) = size(dpi);
    let (across, down) = (scale(width, points.0), scale(height, points.1));
    let transform = Affine::scale_non_uniform(f64::from(across), f64::from(down))
        * page.initial_transform(true).to_kurbo();
    let unshown = pdf_fields::entries(page);
    let overlay = if unshown.is_empty() { None } else { Some(open(pdf_overlay::pdf(page, &unshown))?) };
    let over = overlay.as_ref().and_then(|overlay| overlay.pages().first());
    let drawn = pdf_canvas::draw(page, over, (width, height), transform);
    let Drawn { picture, all_decoded } =
        drawn.ok_or_else(|| broken("its page has fewer pixels than it should".to_owned()))?;
    Ok(Picture { picture, all_decoded, overlay, transform })
}

/// The page at `index` in colours, as sharp as `dpi` or as a picture may be.
pub(super) fn picture(
    page: &Page<'_>,
    index: u32,
    dpi: u32,
    limits: &ChildLimits,
) -> Result<DynamicImage, DocumentError> {
    let number = index.saturating_add(1);
    let drawn = match draw(page, number, dpi, limits) {
        Err(DocumentError::PageTooLarge { dpi_that_fits: Some(dpi), .. }) => draw(page, number, dpi, limits)?,
        drawn => drawn?,
    };
    Ok(in_color(drawn.picture.into(), Color::Rgb))
}

/// How large the page is seen, in points of a 72nd of an inch.
pub(super) fn size_in_points(page: &Page<'_>) -> (f32, f32) {
    let ((width, height), unit) = (page.render_dimensions(), user_unit(page));
    (width * unit, height * unit)
}

/// What is said of letters that stand in fields and can't be drawn there.
fn no_font(letters: &BTreeSet<char>) -> Option<String> {
    /// Letters that are named; who reads of twenty knows which script it is.
    const NAMED_MAX: usize = 20;
    let named: String = letters.iter().take(NAMED_MAX).collect();
    let more = if letters.len() > NAMED_MAX { "…" } else { "" };
    (!letters.is_empty()).then(|| {
        format!("its fields have letters that no font here has, so they are not drawn: {named}{more}")
    })
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
