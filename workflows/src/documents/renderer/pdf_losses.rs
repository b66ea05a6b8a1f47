//! What of a PDF page can't be drawn. The rasteriser leaves out a picture that
//! it can't decode, and draws its bytes as they come if it does not know how
//! they are packed; here such pictures are found and named.

use std::collections::HashSet;

use hayro::hayro_interpret::font::GlyphRun;
use hayro::hayro_interpret::{
    BlendMode, CacheKey, ClipPath, Context, Device, DrawMode, DrawProps, Image, ImageDrawProps,
    InterpreterCache, InterpreterSettings, SoftMask, interpret_page,
};
use hayro::hayro_syntax::content::ops::TypedInstruction;
use hayro::hayro_syntax::object::{Array, Dict, Name, Stream};
use hayro::hayro_syntax::page::Page;
use hayro::kurbo::{Affine, BezPath, Rect};
use hayro_jbig2::{DecodeError, DecodeSettings, ParseError};

use super::whole;
use crate::documents::kind::Kind;

/// Losses of one page that are told; who reads of ten knows enough.
const TOLD_MAX: usize = 10;

/// The filters of ISO 32000-1, table 6, and their short names in table 94.
const FILTERS: [&[u8]; 17] = [
    b"ASCIIHexDecode",
    b"AHx",
    b"ASCII85Decode",
    b"A85",
    b"LZWDecode",
    b"LZW",
    b"FlateDecode",
    b"Fl",
    b"RunLengthDecode",
    b"RL",
    b"CCITTFaxDecode",
    b"CCF",
    b"JBIG2Decode",
    b"DCTDecode",
    b"DCT",
    b"JPXDecode",
    b"Crypt",
];

/// What was looked for and found on a page.
#[derive(Default)]
pub(super) struct Losses {
    /// What can't be drawn, in the order in which it should have been; at most
    /// [`TOLD_MAX`].
    pub(super) told: Vec<String>,
    /// Where the page image shows bytes that are no picture, in pixels.
    pub(super) noise: Vec<Rect>,
    /// Whether there is text, be it visible or not.
    pub(super) has_text: bool,
    /// Whether pictures are decoded to see whether they can be.
    thoroughly: bool,
    size: (u32, u32),
    seen: HashSet<u128>,
}

/// Looks for losses of `page`, which is drawn by `transform` on an image of
/// `size`. Each picture is decoded once more if `thoroughly`.
pub(super) fn find(page: &Page<'_>, transform: Affine, size: (u32, u32), thoroughly: bool) -> Losses {
    let mut losses = Losses { thoroughly, size, ..Losses::default() };
    losses.contents(page);
    losses.objects(page);
    let target = Rect::new(0.0, 0.0, f64::from(size.0), f64::from(size.1));
    let cache = InterpreterCache::new();
    let mut context = Context::new(transform, target, &cache, page.xref(), InterpreterSettings::default());
    interpret_page(page, &mut context, &mut losses);
    losses
}

impl Losses {
    /// Content streams that are named and not there, or can't be decoded.
    fn contents(&mut self, page: &Page<'_>) {
        const KEY: &[u8] = b"Contents";
        if let Some(parts) = page.raw().get::<Array<'_>>(KEY) {
            let named = parts.raw_iter().count();
            let whole = parts.iter::<Stream<'_>>().filter(|part| part.decoded_data().is_ok()).count();
            if whole < named {
                self.tell(format!("{} of its {named} content streams are missing or damaged", named - whole));
            }
        } else if page.raw().get_ref(KEY).is_some() && page.page_stream().is_none() {
            self.tell("its content stream is missing or damaged".to_owned());
        }
    }

    /// Objects that its own content stream draws and the file lacks.
    fn objects(&mut self, page: &Page<'_>) {
        let mut operations = page.typed_operations();
        while let Some(operation) = operations.next() {
            if let TypedInstruction::XObject(drawn) = operation
                && page.resources().get_x_object(drawn.0).is_none()
            {
                self.tell(format!("the object /{} that it draws is missing", shown(drawn.0)));
            }
        }
    }

    fn picture(&mut self, image: &Image<'_, '_>, place: Affine) {
        let stream = match image {
            Image::Stencil(stencil) => stencil.stream(),
            Image::Raster(raster) => raster.stream(),
        };
        let names = filters(stream.dict());
        let unknown = names.iter().any(|name| !FILTERS.contains(&&name[..]));
        if unknown {
            let drawn = Rect::new(0.0, 0.0, f64::from(image.width()), f64::from(image.height()));
            self.noise.push(place.transform_rect_bbox(drawn));
        }
        if !self.seen.insert(image.cache_key()) {
            return;
        }
        let why = if unknown {
            "uses a filter that does not exist"
        } else if self.thoroughly && !decodes(image, self.size) {
            "can't be decoded"
        } else if is_cut_off(stream, &names) {
            "ends in the middle"
        } else {
            return;
        };
        let packed: Vec<String> = names.iter().map(shown).collect();
        let packed = if packed.is_empty() { "no filter".to_owned() } else { packed.join(", ") };
        let (number, width, height) = (stream.obj_id().obj_number, image.width(), image.height());
        self.tell(format!("the picture in object {number} ({packed}, {width} x {height}) {why}"));
    }

    fn tell(&mut self, loss: String) {
        if self.told.len() < TOLD_MAX && !self.told.contains(&loss) {
            self.told.push(loss);
        }
    }
}

fn filters<'a>(dict: &Dict<'a>) -> Vec<Name<'a>> {
    let one = |key| dict.get::<Name<'_>>(key).map(|name| vec![name]);
    let all = |key| Some(dict.get::<Array<'_>>(key)?.iter::<Name<'_>>().collect());
    let get = |key| one(key).or_else(|| all(key));
    get(&b"F"[..]).or_else(|| get(&b"Filter"[..])).unwrap_or_default()
}

/// A name as its file spells it, as far as an error's reader wants it.
fn shown(name: &Name<'_>) -> String {
    String::from_utf8_lossy(name).chars().filter(|c| !c.is_control()).take(40).collect()
}

fn decodes(image: &Image<'_, '_>, hint: (u32, u32)) -> bool {
    let mut decoded = false;
    match image {
        Image::Stencil(stencil) => stencil.with_stencil(|_, _| decoded = true, Some(hint)),
        Image::Raster(raster) => raster.with_rgba(|_, _| decoded = true, Some(hint)),
    }
    decoded
}

/// Whether a JPEG or a JBIG2 lacks its end; the decoder fills it up with grey,
/// or with paper.
fn is_cut_off(stream: &Stream<'_>, filters: &[Name<'_>]) -> bool {
    let [only] = filters else { return false };
    match &only[..] {
        b"DCTDecode" | b"DCT" => whole::check(&stream.raw_data(), Kind::Jpeg).is_err(),
        b"JBIG2Decode" => {
            let settings = DecodeSettings { strict: true };
            let data = stream.raw_data();
            let parsed = hayro_jbig2::Page::new_embedded(&data, None, &settings);
            matches!(parsed, Err(DecodeError::Parse(ParseError::UnexpectedEof)))
        }
        _ => false,
    }
}

impl<'a> Device<'a> for Losses {
    fn draw_image(&mut self, image: Image<'a, '_>, props: ImageDrawProps<'a>) {
        self.picture(&image, props.transform);
    }

    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, _: DrawProps<'a>, _: &DrawMode) {
        self.has_text |= !run.glyphs().is_empty();
    }

    fn draw_path(&mut self, _: &BezPath, _: DrawProps<'a>, _: &DrawMode) {}
    fn push_clip_path(&mut self, _: &ClipPath) {}
    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {}
    fn pop_clip(&mut self) {}
    fn pop_transparency_group(&mut self) {}
}
