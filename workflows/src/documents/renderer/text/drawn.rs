//! What is drawn on a page, as hayro tells it.

use std::collections::HashMap;

use hayro::hayro_interpret::font::{self, GlyphRun};
use hayro::hayro_interpret::hayro_cmap::{BfString, WritingMode};
use hayro::hayro_interpret::hayro_syntax::object::{Dict, ObjRef, String as PdfString};
use hayro::hayro_interpret::{
    BlendMode, ClipPath, Device, DrawMode, DrawProps, Image, ImageDrawProps, SoftMask,
};
use hayro::kurbo::{Affine, BezPath, Rect, Shape};

use super::actual::Stated;
use super::glyph::Glyph;
use super::letters::folded;
use super::strings::decoded;
use super::structure::Structure;

/// Characters of one page that are kept: a page set in 2 pt type has fewer.
pub(super) const CHARACTERS_MAX: usize = 200_000;

/// The width of a glyph whose font does not tell it: half an em.
const WIDTH: f64 = 500.0;

/// Hears what is drawn and writes the letters down.
pub(super) struct Listener<'a> {
    characters: usize,
    glyphs: Vec<Glyph>,
    /// Marked content that is open.
    depth: usize,
    /// The outermost one that states its text: it speaks for all within.
    stated: Option<Stated>,
    structure: Option<Structure<'a>>,
    /// Elements of the structure that state their text and had content so far.
    elements: Vec<Element>,
    /// Where each stands among them.
    element_numbers: HashMap<ObjRef, usize>,
    /// Whether text that can't be seen is passed over.
    only_seen: bool,
}

/// What an element of the structure states; its content may be drawn in several
/// parts.
struct Element {
    /// Before which of the glyphs it stands.
    before: usize,
    /// None while a part of it is drawn.
    stated: Option<Stated>,
}

impl<'a> Listener<'a> {
    /// One for what a page with this structure draws, or only for what of it can be
    /// seen.
    pub(super) fn new(structure: Option<Structure<'a>>, only_seen: bool) -> Self {
        let (glyphs, elements) = (Vec::new(), Vec::new());
        let element_numbers = HashMap::new();
        Self {
            characters: 0,
            glyphs,
            depth: 0,
            stated: None,
            structure,
            elements,
            element_numbers,
            only_seen,
        }
    }

    /// What was drawn, in drawing order.
    pub(super) fn finish(mut self) -> Vec<Glyph> {
        self.end_stated();
        let mut elements = self.elements.into_iter().peekable();
        let mut glyphs = Vec::with_capacity(self.glyphs.len());
        for (index, glyph) in self.glyphs.into_iter().enumerate() {
            while let Some(element) = elements.next_if(|element| element.before <= index) {
                glyphs.extend(element.stated.into_iter().flat_map(Stated::glyphs));
            }
            glyphs.push(glyph);
        }
        glyphs.extend(elements.filter_map(|element| element.stated).flat_map(Stated::glyphs));
        glyphs
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
                let stated = Stated { text, glyphs: vec![glyph], ..Stated::default() };
                self.glyphs.extend(stated.glyphs());
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

    /// What speaks for marked content with these properties.
    fn spoken_for(&mut self, properties: &Dict<'_>) -> Option<Stated> {
        let content = properties.get::<u32>(b"MCID");
        let speaker = content.and_then(|content| self.structure.as_mut()?.speaker(content));
        if let Some(place) = speaker {
            return self.element(place);
        }
        let text = properties.get::<PdfString<'_>>("ActualText")?;
        Some(Stated { text: decoded(text.as_bytes()), ..Stated::default() })
    }

    /// What the element at `place` states, with what was drawn of it so far.
    fn element(&mut self, place: ObjRef) -> Option<Stated> {
        let index = match self.element_numbers.get(&place) {
            Some(index) => *index,
            None => {
                let text = self.structure.as_ref()?.text(place);
                self.characters += text.chars().count();
                let text = if self.characters <= CHARACTERS_MAX { text } else { String::new() };
                let index = self.elements.len();
                let stated = Some(Stated { text, element: Some(index), ..Stated::default() });
                self.elements.push(Element { before: self.glyphs.len(), stated });
                self.element_numbers.insert(place, index);
                index
            }
        };
        self.elements.get_mut(index)?.stated.take()
    }

    fn end_stated(&mut self) {
        let Some(stated) = self.stated.take() else { return };
        if let Some(element) = stated.element {
            if let Some(element) = self.elements.get_mut(element) {
                element.stated = Some(stated);
            }
            return;
        }
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

impl<'a> Device<'a> for Listener<'a> {
    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, props: DrawProps<'a>, mode: &DrawMode) {
        if self.only_seen && matches!(mode, DrawMode::Invisible) {
            return;
        }
        let vertical = run.writing_mode() == WritingMode::Vertical;
        for glyph in run.glyphs() {
            self.glyph(glyph, props.transform * glyph.transform(), vertical);
        }
    }

    fn begin_marked_content(&mut self, _: &[u8], properties: Option<&Dict<'_>>) {
        self.depth += 1;
        if let (None, Some(properties)) = (&self.stated, properties) {
            let depth = self.depth;
            self.stated = self.spoken_for(properties).map(|stated| Stated { depth, ..stated });
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
