//! A page with what fields and notes say, to be laid over the page they are
//! on: a PDF of its own, so that it is drawn and read as any other.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;

use hayro::hayro_interpret::font::{Glyph, GlyphId, GlyphRun};
use hayro::hayro_interpret::hayro_cmap::BfString;
use hayro::hayro_interpret::{
    BlendMode, ClipPath, Context, Device, DrawMode, DrawProps, Image, ImageDrawProps, InterpreterCache,
    InterpreterSettings, SoftMask, interpret_page,
};
use hayro::hayro_syntax::object::Rect;
use hayro::hayro_syntax::page::{Page, Rotation};
use hayro::kurbo::{Affine, BezPath};
use unicode_normalization::UnicodeNormalization;

use super::pdf_fields::{Entry, What};
use super::protocol::{TextLine, TextWord};

/// Of Helvetica, in parts of its size: what half of its letters are as wide as,
/// and how far capitals reach above and tails below the base line.
const WIDTH: f32 = 0.5;
const ASCENT: f32 = 0.72;
const DESCENT: f32 = 0.21;

/// Points from a field's edge to its text, and from line to line in sizes.
const MARGIN: f32 = 2.0;
const LEADING: f32 = 1.15;

/// Sizes in points when a field leaves it open.
const SIZES: (f32, f32) = (4.0, 12.0);

/// From 0x80 in WinAnsiEncoding (ISO 32000-1, annex D.2).
const WIN_ANSI: &str = "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8d}Ž\u{8f}\u{90}‘’“”•–—˜™š›œ\u{9d}žŸ";

/// Characters of one font; its codes are bytes, and 0 is left out.
const CODES: usize = 255;

/// Fonts for the characters that Helvetica lacks: as many as a page of ideographs
/// has. Characters beyond them are left out.
const OTHER_FONTS_MAX: usize = 32;

/// A PDF with one page as large as `page`, with `entries` where they belong.
pub(super) fn pdf(page: &Page<'_>, entries: &[Entry]) -> Vec<u8> {
    const OTHERS_FROM: usize = 9;
    let mut others = Others::default();
    let content: String = entries.iter().map(|entry| drawn(entry, &mut others)).collect();
    let Rect { x0, y0, x1, y1 } = page.intersected_crop_box();
    let turn = match page.rotation() {
        Rotation::None => 0,
        Rotation::Horizontal => 90,
        Rotation::Flipped => 180,
        Rotation::FlippedHorizontal => 270,
    };
    let others = others.encodings();
    let fonts: String =
        (0..others.len()).map(|font| format!("/O{font} {} 0 R", OTHERS_FROM + font)).collect();
    let mut objects = vec![
        b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
        b"<</Type/Pages/Count 1/Kids[3 0 R]>>".to_vec(),
        format!(
            "<</Type/Page/Parent 2 0 R/MediaBox[{x0} {y0} {x1} {y1}]/Rotate {turn}/Contents 4 0 R\
             /Resources<</Font<</W 5 0 R/Z 6 0 R{fonts}>>>>>>"
        )
        .into_bytes(),
        stream("", content.as_bytes()),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>".to_vec(),
        b"<</Type/Font/Subtype/Type1/BaseFont/ZapfDingbats>>".to_vec(),
        // 32: its letters are known by their names.
        b"<</Type/FontDescriptor/FontName/DejaVuSans/Flags 32/FontFile2 8 0 R>>".to_vec(),
        if others.is_empty() { b"null".to_vec() } else { stream("", dejavu::sans::regular()) },
    ];
    objects.extend(others.iter().map(|names| {
        let encoding = format!("<</Type/Encoding/Differences[1 {names}]>>");
        let font = "/Type/Font/Subtype/TrueType/BaseFont/DejaVuSans/FontDescriptor 7 0 R";
        format!("<<{font}/Encoding{encoding}>>").into_bytes()
    }));
    file(&objects)
}

fn stream(dictionary: &str, data: &[u8]) -> Vec<u8> {
    let head = format!("<<{dictionary}/Length {}>>\nstream\n", data.len());
    [head.as_bytes(), data, b"\nendstream"].concat()
}

fn file(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut file = b"%PDF-1.7\n".to_vec();
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for (number, object) in (1..).zip(objects) {
        // Writing to a string does not fail.
        let _ = writeln!(table, "{:010} 00000 n ", file.len());
        file.extend_from_slice(format!("{number} 0 obj\n").as_bytes());
        file.extend_from_slice(object);
        file.extend_from_slice(b"\nendobj\n");
    }
    let (place, size) = (file.len(), objects.len() + 1);
    let trailer = format!("trailer\n<</Size {size}/Root 1 0 R>>\nstartxref\n{place}\n%%EOF\n");
    [&file, table.as_bytes(), trailer.as_bytes()].concat()
}

/// Operators that draw an entry within its place.
fn drawn(entry: &Entry, others: &mut Others) -> String {
    let Rect { x0, y0, x1, y1 } = entry.place;
    let (width, height) = (x1 - x0, y1 - y0);
    let mode = if entry.drawn { 3 } else { 0 };
    let text = match &entry.what {
        What::Mark(code) => mark(*code, entry.place),
        What::Text { text, size, several_lines } => lines(text, *size, *several_lines, entry.place, others),
    };
    format!("q {x0} {y0} {width} {height} re W n BT 0 g {mode} Tr {text}ET Q\n")
}

#[expect(clippy::cast_possible_truncation, reason = "pages are far smaller than 2^24 points")]
fn mark(code: u8, place: Rect) -> String {
    let (width, height) = ((place.x1 - place.x0) as f32, (place.y1 - place.y0) as f32);
    let size = width.min(height) * 0.8;
    let (x, y) =
        (place.x0 as f32 + (width - size * 0.8) / 2.0, place.y0 as f32 + (height - size * 0.7) / 2.0);
    format!("/Z {size} Tf 1 0 0 1 {x} {y} Tm <{code:02x}> Tj ")
}

#[expect(clippy::cast_possible_truncation, reason = "pages are far smaller than 2^24 points")]
#[expect(clippy::cast_precision_loss, reason = "values have some thousand characters")]
fn lines(text: &str, size: Option<f32>, several: bool, place: Rect, others: &mut Others) -> String {
    let (width, height) = ((place.x1 - place.x0) as f32 - 2.0 * MARGIN, (place.y1 - place.y0) as f32);
    let fits = || {
        let across = if several { SIZES.1 } else { width / (text.chars().count() as f32 * WIDTH) };
        across.min(height * 0.7).clamp(SIZES.0, SIZES.1)
    };
    let size = size.unwrap_or_else(fits);
    let lines = if several { wrapped(text, width / (WIDTH * size)) } else { vec![text.replace('\n', " ")] };
    let first = if several {
        place.y1 as f32 - MARGIN - ASCENT * size
    } else {
        place.y0 as f32 + height / 2.0 - (ASCENT - DESCENT) / 2.0 * size
    };
    let mut drawn = String::new();
    for (index, line) in lines.iter().enumerate() {
        let y = first - index as f32 * LEADING * size;
        let _ = write!(drawn, "1 0 0 1 {} {y} Tm ", place.x0 as f32 + MARGIN);
        others.runs(line, size, &mut drawn);
    }
    drawn
}

/// Lines of about `characters`, broken between words.
#[expect(clippy::cast_precision_loss, reason = "values have some thousand characters")]
fn wrapped(text: &str, characters: f32) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            let length = line.chars().count() + word.chars().count() + 1;
            if !line.is_empty() && length as f32 > characters {
                lines.push(std::mem::take(&mut line));
            }
            let gap = if line.is_empty() { "" } else { " " };
            line = line + gap + word;
        }
        lines.push(line);
    }
    lines
}

/// Characters that are drawn by name, each with a place of its own.
#[derive(Default)]
struct Others {
    characters: Vec<char>,
    places: HashMap<char, usize>,
}

/// A font of the overlay.
#[derive(Clone, Copy, PartialEq)]
enum Font {
    WinAnsi,
    Other(usize),
}

impl Others {
    /// Shows `line` where the text matrix is, run by run of a font.
    fn runs(&mut self, line: &str, size: f32, drawn: &mut String) {
        let codes: Vec<(Font, u8)> = line.nfc().filter_map(|character| self.code(character)).collect();
        for run in codes.chunk_by(|one, next| one.0 == next.0) {
            let hex: String = run.iter().map(|(_, code)| format!("{code:02x}")).collect();
            let font = match run[0].0 {
                Font::WinAnsi => "W".to_owned(),
                Font::Other(font) => format!("O{font}"),
            };
            let _ = write!(drawn, "/{font} {size} Tf <{hex}> Tj ");
        }
    }

    /// The font that has `character`, and its code there.
    fn code(&mut self, character: char) -> Option<(Font, u8)> {
        if let Some(code) = win_ansi(character) {
            return Some((Font::WinAnsi, code));
        }
        let known = self.places.get(&character).copied();
        let place = known.unwrap_or(self.characters.len());
        let (font, code) = (place / CODES, u8::try_from(place % CODES + 1).ok()?);
        if known.is_none() && font < OTHER_FONTS_MAX {
            self.characters.push(character);
            self.places.insert(character, place);
        }
        (font < OTHER_FONTS_MAX).then_some((Font::Other(font), code))
    }

    /// The names of the characters of each font.
    fn encodings(&self) -> Vec<String> {
        let name = |character: &char| match u32::from(*character) {
            code @ ..=0xffff => format!("/uni{code:04X}"),
            code => format!("/u{code:X}"),
        };
        self.characters.chunks(CODES).map(|font| font.iter().map(name).collect()).collect()
    }
}

/// Characters of an overlay that none of its fonts has, so that they are text and
/// can't be seen.
pub(super) fn without_glyph(overlay: &Page<'_>) -> BTreeSet<char> {
    let target = hayro::kurbo::Rect::new(0.0, 0.0, 1.0, 1.0);
    let (cache, settings) = (InterpreterCache::new(), InterpreterSettings::default());
    let mut context = Context::new(Affine::IDENTITY, target, &cache, overlay.xref(), settings);
    let mut without_glyph = WithoutGlyph(BTreeSet::new());
    interpret_page(overlay, &mut context, &mut without_glyph);
    without_glyph.0
}

struct WithoutGlyph(BTreeSet<char>);

impl<'a> Device<'a> for WithoutGlyph {
    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, _: DrawProps<'a>, _: &DrawMode) {
        for glyph in run.glyphs() {
            if let (Glyph::Outline(outline), Some(BfString::Char(character))) = (&**glyph, glyph.as_unicode())
                && outline.glyph_id() == GlyphId::NOTDEF
                && !character.is_whitespace()
            {
                self.0.insert(character);
            }
        }
    }

    fn draw_image(&mut self, _: Image<'a, '_>, _: ImageDrawProps<'a>) {}
    fn draw_path(&mut self, _: &BezPath, _: DrawProps<'a>, _: &DrawMode) {}
    fn push_clip_path(&mut self, _: &ClipPath) {}
    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {}
    fn pop_clip(&mut self) {}
    fn pop_transparency_group(&mut self) {}
}

fn win_ansi(character: char) -> Option<u8> {
    match u32::from(character) {
        code @ (0x20..=0x7e | 0xa1..=0xff) => u8::try_from(code).ok(),
        0xa0 => Some(b' '),
        _ => {
            let place = WIN_ANSI.chars().position(|other| other == character)?;
            u8::try_from(0x80 + place).ok()
        }
    }
}

/// Puts the lines of an overlay among those of its page: to the words they
/// stand beside, else before the first line that is below.
pub(super) fn weave(lines: &mut Vec<TextLine>, overlay: Vec<TextLine>) {
    for added in overlay {
        let Some(first) = added.words.first() else { continue };
        let beside = lines.iter_mut().filter(|line| line.words.iter().any(|word| level(word, first)));
        if let Some(line) = beside.min_by_key(|line| distance(line, first)) {
            for word in added.words {
                let at = line.words.iter().position(|other| other.left > word.left);
                line.words.insert(at.unwrap_or(line.words.len()), word);
            }
        } else {
            let below = |line: &TextLine| line.words.first().is_some_and(|word| word.top > first.top);
            let at = lines.iter().position(below).unwrap_or(lines.len());
            lines.insert(at, added);
        }
    }
}

/// Whether the middle of each stands within the other's height.
fn level(one: &TextWord, other: &TextWord) -> bool {
    let middle = |word: &TextWord| word.top + word.height / 2;
    let within = |middle: u32, word: &TextWord| (word.top..word.top + word.height).contains(&middle);
    within(middle(one), other) && within(middle(other), one)
}

/// Pixels between a line's nearest word and `word`.
fn distance(line: &TextLine, word: &TextWord) -> u32 {
    let gap = |other: &TextWord| {
        let after = word.left.saturating_sub(other.left + other.width);
        after.max(other.left.saturating_sub(word.left + word.width))
    };
    line.words.iter().map(gap).min().unwrap_or(u32::MAX)
}
