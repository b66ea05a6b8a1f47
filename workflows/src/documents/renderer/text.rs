//! The text a PDF page carries, with where it stands on the page image.

use hayro::hayro_interpret::font::{Glyph, GlyphRun};
use hayro::hayro_interpret::hayro_cmap::BfString;
use hayro::hayro_interpret::hayro_syntax::page::Page;
use hayro::hayro_interpret::util::TransformExt;
use hayro::hayro_interpret::{
    BlendMode, ClipPath, Context, Device, DrawMode, DrawProps, Image, ImageDrawProps, InterpreterCache,
    InterpreterSettings, SoftMask, interpret_page,
};
use hayro::kurbo::{Affine, BezPath, Rect};

use super::protocol::{TextLine, TextWord};

/// Characters of one page that are kept: a page set in 2 pt type has fewer.
const CHARACTERS_MAX: usize = 200_000;

/// Glyph space (ISO 32000-1, 9.2.4): a thousand units to the em.
const EM: f64 = 1000.0;

/// A gap wider than this part of the type size divides words that no space
/// divides.
const WORD_GAP: f64 = 0.2;

/// Lines of text drawn on `page`, in drawing order, boxes in pixels of an image
/// of `size` that was rendered at `scale` pixels a point.
pub(super) fn layer(page: &Page<'_>, size: (u32, u32), scale: (f32, f32)) -> Vec<TextLine> {
    let target = Rect::new(0.0, 0.0, f64::from(size.0), f64::from(size.1));
    let transform = Affine::scale_non_uniform(f64::from(scale.0), f64::from(scale.1))
        * page.initial_transform(true).to_kurbo();
    let cache = InterpreterCache::new();
    let mut context = Context::new(transform, target, &cache, page.xref(), InterpreterSettings::default());
    let mut listener = Listener { target, ..Listener::default() };
    interpret_page(page, &mut context, &mut listener);
    listener.finish()
}

fn written(text: BfString) -> String {
    match text {
        BfString::Char(character) => character.to_string(),
        BfString::String(text) => text,
    }
}

/// Hears what is drawn and writes the text down.
#[derive(Default)]
struct Listener {
    target: Rect,
    characters: usize,
    lines: Vec<TextLine>,
    word: Option<Spelled>,
    /// Box of the last word of the last line.
    last: Option<Rect>,
    /// First place and length of the last run.
    heard: Option<(Affine, usize)>,
}

/// A word while it is being spelled.
struct Spelled {
    text: String,
    bounds: Rect,
    size: f64,
}

impl Listener {
    fn glyph(&mut self, glyph: &Glyph<'_>, place: Affine) {
        let Some(text) = glyph.as_unicode().map(written) else { return };
        let advance = match glyph {
            Glyph::Outline(outline) => outline.advance_width(),
            Glyph::Type3(drawn) => drawn.advance_width(),
        };
        let advance = advance.map_or(EM / 2.0, f64::from);
        let bounds = place.transform_rect_bbox(Rect::new(0.0, -0.2 * EM, advance, 0.8 * EM));
        self.characters += text.chars().count();
        if self.characters > CHARACTERS_MAX || !bounds.is_finite() {
            return;
        }
        if text.chars().all(|c| c.is_whitespace() || c.is_control()) {
            self.end_word();
            return;
        }
        let visible = text.chars().filter(|c| !c.is_control());
        match &mut self.word {
            Some(word) if word.continues(&bounds) => {
                word.text.extend(visible);
                word.bounds = word.bounds.union(bounds);
            }
            _ => {
                let text = visible.collect();
                self.end_word();
                self.word = Some(Spelled { text, bounds, size: bounds.height().max(1.0) });
            }
        }
    }

    fn end_word(&mut self) {
        let Some(word) = self.word.take() else { return };
        let seen = word.bounds.intersect(self.target);
        if seen.width() <= 0.0 || seen.height() <= 0.0 {
            return;
        }
        let same_line = self.last.is_some_and(|last| {
            (last.center().y - word.bounds.center().y).abs() < word.size / 2.0 && word.bounds.x0 >= last.x0
        });
        if !same_line {
            self.lines.push(TextLine::default());
        }
        self.last = Some(word.bounds);
        if let Some(line) = self.lines.last_mut() {
            line.words.push(boxed(word.text, seen));
        }
    }

    fn finish(mut self) -> Vec<TextLine> {
        self.end_word();
        self.lines
    }
}

impl Spelled {
    fn continues(&self, next: &Rect) -> bool {
        let gap = next.x0 - self.bounds.x1;
        let same_line = (next.center().y - self.bounds.center().y).abs() < self.size / 2.0;
        same_line && gap < WORD_GAP * self.size && gap > -self.size
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the box lies on the page image")]
fn boxed(text: String, seen: Rect) -> TextWord {
    let (left, top) = (seen.x0.floor() as u32, seen.y0.floor() as u32);
    TextWord {
        text,
        left,
        top,
        width: (seen.x1.ceil() as u32).saturating_sub(left).max(1),
        height: (seen.y1.ceil() as u32).saturating_sub(top).max(1),
    }
}

impl<'a> Device<'a> for Listener {
    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, props: DrawProps<'a>, mode: &DrawMode) {
        let first = run.glyphs().first().map(|glyph| props.transform * glyph.transform());
        let this = first.map(|place| (place, run.glyphs().len()));
        // Text that is filled and stroked is drawn twice.
        if matches!(mode, DrawMode::Stroke(_)) && this == self.heard {
            return;
        }
        self.heard = this;
        for glyph in run.glyphs() {
            self.glyph(glyph, props.transform * glyph.transform());
        }
    }

    fn draw_path(&mut self, _: &BezPath, _: DrawProps<'a>, _: &DrawMode) {}
    fn push_clip_path(&mut self, _: &ClipPath) {}
    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {}
    fn draw_image(&mut self, _: Image<'a, '_>, _: ImageDrawProps<'a>) {}
    fn pop_clip(&mut self) {}
    fn pop_transparency_group(&mut self) {}
}
