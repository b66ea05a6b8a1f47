//! What is drawn on a page, as hayro tells it.

use hayro::hayro_interpret::font::{self, GlyphRun};
use hayro::hayro_interpret::hayro_cmap::{BfString, WritingMode};
use hayro::hayro_interpret::hayro_syntax::object::{Dict, String as PdfString};
use hayro::hayro_interpret::{
    BlendMode, ClipPath, Device, DrawMode, DrawProps, Image, ImageDrawProps, SoftMask,
};
use hayro::kurbo::{Affine, BezPath, Rect, Shape};

use super::actual::Stated;
use super::glyph::Glyph;
use super::letters::folded;
use super::strings::decoded;

/// Characters of one page that are kept: a page set in 2 pt type has fewer.
pub(super) const CHARACTERS_MAX: usize = 200_000;

/// The width of a glyph whose font does not tell it: half an em.
const WIDTH: f64 = 500.0;

/// Hears what is drawn and writes the letters down.
#[derive(Default)]
pub(super) struct Listener {
    characters: usize,
    glyphs: Vec<Glyph>,
    /// Marked content that is open.
    depth: usize,
    /// The outermost one that states its text: it speaks for all within.
    stated: Option<Stated>,
}

impl Listener {
    /// What was drawn, in drawing order.
    pub(super) fn finish(mut self) -> Vec<Glyph> {
        self.end_stated();
        self.glyphs
    }

    fn glyph(&mut self, glyph: &font::Glyph<'_>, place: Affine, vertical: bool) {
        let text = glyph.as_unicode().map(written);
        if text.is_none() && self.stated.is_none() {
            return;
        }
        let text = folded(&text.unwrap_or_default());
        let advance = match glyph {
            font::Glyph::Outline(outline) => outline.advance_width(),
            font::Glyph::Type3(drawn) => drawn.advance_width(),
        };
        // One that says nothing takes its place too.
        self.characters += text.chars().count().max(1);
        if self.characters > CHARACTERS_MAX {
            return;
        }
        let Some(glyph) = Glyph::drawn(text, place, advance.map_or(WIDTH, f64::from), vertical) else {
            return;
        };
        match &mut self.stated {
            Some(stated) => stated.glyphs.push(glyph),
            None if glyph.is_several_words() => {
                let text = glyph.text.clone();
                self.glyphs.extend(Stated { depth: 0, text, glyphs: vec![glyph], drawn: None }.glyphs());
            }
            None => self.glyphs.push(glyph),
        }
    }

    fn shape(&mut self, bounds: Rect) {
        let Some(stated) = &mut self.stated else { return };
        if bounds.is_finite() {
            stated.drawn = Some(stated.drawn.map_or(bounds, |drawn| drawn.union(bounds)));
        }
    }

    fn end_stated(&mut self) {
        let Some(stated) = self.stated.take() else { return };
        self.characters += stated.text.chars().count();
        if self.characters <= CHARACTERS_MAX {
            self.glyphs.extend(stated.glyphs());
        }
    }
}

fn written(text: BfString) -> String {
    match text {
        BfString::Char(character) => character.to_string(),
        BfString::String(text) => text,
    }
}

impl<'a> Device<'a> for Listener {
    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, props: DrawProps<'a>, _: &DrawMode) {
        let vertical = run.writing_mode() == WritingMode::Vertical;
        for glyph in run.glyphs() {
            self.glyph(glyph, props.transform * glyph.transform(), vertical);
        }
    }

    fn begin_marked_content(&mut self, _: &[u8], properties: Option<&Dict<'_>>) {
        self.depth += 1;
        let text = properties.and_then(|properties| properties.get::<PdfString<'_>>("ActualText"));
        if let (None, Some(text)) = (&self.stated, text) {
            let text = decoded(text.as_bytes());
            self.stated = Some(Stated { depth: self.depth, text, glyphs: Vec::new(), drawn: None });
        }
    }

    fn end_marked_content(&mut self) {
        if self.stated.as_ref().is_some_and(|stated| stated.depth == self.depth) {
            self.end_stated();
        }
        self.depth = self.depth.saturating_sub(1);
    }

    fn draw_path(&mut self, path: &BezPath, props: DrawProps<'a>, _: &DrawMode) {
        if self.stated.is_some() {
            self.shape(props.transform.transform_rect_bbox(path.bounding_box()));
        }
    }

    fn draw_image(&mut self, image: Image<'a, '_>, props: ImageDrawProps<'a>) {
        let pixels = Rect::new(0.0, 0.0, f64::from(image.width()), f64::from(image.height()));
        self.shape(props.transform.transform_rect_bbox(pixels));
    }

    fn push_clip_path(&mut self, _: &ClipPath) {}
    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {}
    fn pop_clip(&mut self) {}
    fn pop_transparency_group(&mut self) {}
}
