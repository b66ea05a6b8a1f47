//! PDF pages as pixels, one over the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hayro::hayro_interpret::{InterpreterSettings, InterpreterWarning};
use hayro::hayro_syntax::page::Page;
use hayro::kurbo::{Affine, Point, Rect};
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::vello_cpu::peniko::ImageAlphaType;
use hayro::vello_cpu::{Pixmap, RasterizerSettings, RenderContext, Resources, TargetInit};
use hayro::{RenderCache, RenderSettings, render_into};
use image::{Rgba, RgbaImage};

/// What was drawn.
pub(super) struct Drawn {
    /// Opaque, as paper is.
    pub(super) picture: RgbaImage,
    /// Whether each picture that was wanted could be decoded.
    pub(super) all_decoded: bool,
}

/// `page`, and `overlay` over it, on white paper of `size`; both are drawn by
/// `transform`. `None` if there are fewer pixels than there should be.
pub(super) fn draw(
    page: &Page<'_>,
    overlay: Option<&Page<'_>>,
    (width, height): (u32, u32),
    transform: Affine,
) -> Option<Drawn> {
    // The rasteriser counts in 16 bits; the limits keep sides below.
    let side = |pixels: u32| u16::try_from(pixels).unwrap_or(u16::MAX);
    let mut canvas = RenderContext::new(side(width), side(height));
    let mut all_decoded = true;
    for layer in [Some(page), overlay].into_iter().flatten() {
        all_decoded &= put(layer, &mut canvas, transform);
    }
    canvas.flush();
    let mut pixels = Pixmap::new(side(width), side(height));
    let settings = RasterizerSettings { target_init: TargetInit::Clear(WHITE), ..Default::default() };
    canvas.render_with(&mut pixels, &mut Resources::default(), settings);
    drop(canvas);
    let (width, height) = (u32::from(pixels.width()), u32::from(pixels.height()));
    let bytes = pixels.take_rgba8(ImageAlphaType::AlphaPremultiplied);
    Some(Drawn { picture: RgbaImage::from_raw(width, height, bytes)?, all_decoded })
}

/// Draws a page; false if it has a picture that can't be decoded.
fn put(page: &Page<'_>, canvas: &mut RenderContext, transform: Affine) -> bool {
    let all_decoded = Arc::new(AtomicBool::new(true));
    let heard = Arc::clone(&all_decoded);
    let listener = move |warning| {
        if matches!(warning, InterpreterWarning::ImageDecodeFailure) {
            heard.store(false, Ordering::Relaxed);
        }
    };
    let settings = InterpreterSettings { warning_sink: Arc::new(listener), ..Default::default() };
    render_into(page, &RenderCache::new(), &settings, &RenderSettings::default(), canvas, transform);
    all_decoded.load(Ordering::Relaxed)
}

/// Whether `picture` is white paper and nothing else.
pub(super) fn is_blank(picture: &RgbaImage) -> bool {
    picture.as_raw().iter().all(|byte| *byte == u8::MAX)
}

/// Whether there is nothing but white paper around `areas`.
pub(super) fn is_blank_without(picture: &RgbaImage, areas: &[Rect]) -> bool {
    // Edges are drawn over the pixels beside them.
    let areas: Vec<Rect> = areas.iter().map(|area| area.inflate(1.0, 1.0)).collect();
    let is_within = |x: u32, y: u32| {
        let pixel = Point::new(f64::from(x) + 0.5, f64::from(y) + 0.5);
        areas.iter().any(|area| area.contains(pixel))
    };
    picture.enumerate_pixels().all(|(x, y, pixel)| pixel.0 == [u8::MAX; 4] || is_within(x, y))
}

/// Makes paper of `area`, in pixels.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "casts saturate")]
pub(super) fn whiten(picture: &mut RgbaImage, area: Rect) {
    let right = picture.width().min(area.x1.ceil() as u32);
    let bottom = picture.height().min(area.y1.ceil() as u32);
    for y in area.y0.floor() as u32..bottom {
        for x in area.x0.floor() as u32..right {
            picture.put_pixel(x, y, Rgba([u8::MAX; 4]));
        }
    }
}
