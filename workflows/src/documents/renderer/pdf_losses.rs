//! What of a PDF page can't be drawn. The rasteriser leaves out a picture that
//! it can't decode, draws its bytes as they come if it does not know how they are
//! packed, and fills up one that ends in the middle; here such pictures are found
//! and named.

use std::collections::HashMap;

use hayro::hayro_interpret::font::GlyphRun;
use hayro::hayro_interpret::{
    BlendMode, CacheKey, ClipPath, Context, Device, DrawMode, DrawProps, Image, ImageDrawProps,
    InterpreterCache, InterpreterSettings, SoftMask, interpret_page,
};
use hayro::hayro_syntax::Filter;
use hayro::hayro_syntax::content::ops::TypedInstruction;
use hayro::hayro_syntax::object::{Array, Dict, Name, Stream};
use hayro::hayro_syntax::page::Page;
use hayro::kurbo::{Affine, BezPath, Rect};

use super::pdf_flate::Inflated;
use super::pdf_pictures::{Extent, extent};

/// Losses of one page that are told; who reads of ten knows enough.
const TOLD_MAX: usize = 10;

/// Filters of one picture that are named; two are many.
const FILTERS_TOLD: usize = 4;

/// A picture of which no more is there than this part has nothing that could be
/// read; what is drawn of it are the values that noise happens to have.
const NOTHING: f64 = 0.02;

/// A picture of which this part is there is read like one that is whole: some
/// programs write a row too few.
const NEARLY_ALL: f64 = 0.98;

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
    /// Whether that is more than a page can be read without, if it has nothing
    /// else.
    pub(super) is_serious: bool,
    /// Where the page image shows bytes that are no picture, in pixels.
    pub(super) noise: Vec<Rect>,
    /// Where it shows pictures that end in the middle.
    pub(super) cut: Vec<Rect>,
    /// Whether there is text, be it visible or not.
    pub(super) has_text: bool,
    /// Whether pictures are decoded to see whether they can be.
    thoroughly: bool,
    size: (u32, u32),
    /// What is wrong with the pictures that were looked at, if anything is.
    seen: HashMap<u128, Option<Fault>>,
}

/// What is wrong with a picture.
#[derive(Clone, Copy, PartialEq)]
enum Fault {
    UnknownFilter,
    Nothing,
    MaskOfNothing,
    Cut,
    Slight,
}

impl Fault {
    fn words(self) -> &'static str {
        match self {
            Self::UnknownFilter => "uses a filter that does not exist",
            Self::Nothing => "can't be decoded",
            Self::MaskOfNothing => "has a mask that can't be decoded",
            Self::Cut => "ends in the middle",
            Self::Slight => "is slightly damaged",
        }
    }
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
    /// Content streams that are named and not there, or can't be decoded to their
    /// end.
    fn contents(&mut self, page: &Page<'_>) {
        const KEY: &[u8] = b"Contents";
        if let Some(parts) = page.raw().get::<Array<'_>>(KEY) {
            let named = parts.raw_iter().count();
            let there = parts.raw_iter().filter_map(|part| page.xref().get(part.as_obj_ref()?.into()));
            let there: Vec<Stream<'_>> = there.collect();
            let whole = there.iter().filter(|part| part.decoded_data().is_ok()).count();
            if whole < named {
                self.tell(format!("{} of its {named} content streams are missing or damaged", named - whole));
            }
            let cut = there.iter().filter(|part| is_cut_off(part)).count();
            if cut > 0 {
                self.tell(format!("{cut} of its {named} content streams end in the middle"));
            }
        } else if page.raw().get_ref(KEY).is_some() && page.page_stream().is_none() {
            self.tell("its content stream is missing or damaged".to_owned());
        } else if page.raw().get::<Stream<'_>>(KEY).is_some_and(|only| is_cut_off(&only)) {
            self.tell("its content stream ends in the middle".to_owned());
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
        let drawn = Rect::new(0.0, 0.0, f64::from(image.width()), f64::from(image.height()));
        let area = place.transform_rect_bbox(drawn);
        let key = image.cache_key();
        let (fault, is_new) = match self.seen.get(&key) {
            Some(fault) => (*fault, false),
            None => (self.fault(image), true),
        };
        self.seen.insert(key, fault);
        let Some(fault) = fault else { return };
        match fault {
            Fault::UnknownFilter | Fault::Nothing | Fault::MaskOfNothing => self.noise.push(area),
            Fault::Cut => self.cut.push(area),
            Fault::Slight => {}
        }
        if is_new {
            self.tell_of(image, fault);
        }
    }

    fn fault(&self, image: &Image<'_, '_>) -> Option<Fault> {
        let (stream, is_stencil) = stream(image);
        if filters(stream.dict()).iter().any(|name| !FILTERS.contains(&&name[..])) {
            return Some(Fault::UnknownFilter);
        }
        if self.thoroughly && !decodes(image, self.size) {
            return Some(Fault::Nothing);
        }
        let of_extent = |extent| match extent {
            Extent::Whole => None,
            Extent::Rows(there) if there <= NOTHING => Some(Fault::Nothing),
            Extent::Rows(there) if there >= NEARLY_ALL => Some(Fault::Slight),
            Extent::Rows(_) | Extent::Cut => Some(Fault::Cut),
        };
        let size = (image.width(), image.height());
        let fault = of_extent(extent(stream, size, is_stencil));
        fault.or_else(|| {
            let mask = |key: &[u8]| stream.dict().get::<Stream<'_>>(key);
            let mask = mask(b"SMask").or_else(|| mask(b"Mask"))?;
            let side = |key: &[u8]| mask.dict().get::<u32>(key);
            let fault = of_extent(extent(&mask, (side(b"Width")?, side(b"Height")?), true))?;
            Some(if fault == Fault::Nothing { Fault::MaskOfNothing } else { fault })
        })
    }

    fn tell_of(&mut self, image: &Image<'_, '_>, fault: Fault) {
        let (stream, _) = stream(image);
        let packed: Vec<String> = filters(stream.dict()).iter().take(FILTERS_TOLD).map(shown).collect();
        let packed = if packed.is_empty() { "no filter".to_owned() } else { packed.join(", ") };
        let picture = match stream.obj_id().obj_number {
            0 => "a picture within its content".to_owned(),
            number => format!("the picture in object {number}"),
        };
        let (width, height) = (image.width(), image.height());
        let loss = format!("{picture} ({packed}, {width} x {height}) {}", fault.words());
        if fault == Fault::Slight { self.mark(loss) } else { self.tell(loss) }
    }

    fn tell(&mut self, loss: String) {
        self.is_serious = true;
        self.mark(loss);
    }

    fn mark(&mut self, loss: String) {
        if self.told.len() < TOLD_MAX && !self.told.contains(&loss) {
            self.told.push(loss);
        }
    }
}

/// The bytes of a picture, and whether it is a stencil.
fn stream<'a>(image: &'a Image<'_, '_>) -> (&'a Stream<'a>, bool) {
    match image {
        Image::Stencil(stencil) => (stencil.stream(), true),
        Image::Raster(raster) => (raster.stream(), false),
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

/// Whether operators are missing at the end of a content stream.
fn is_cut_off(content: &Stream<'_>) -> bool {
    content.filters()[..] == [Filter::FlateDecode] && !Inflated::of(&content.raw_data(), u64::MAX).is_ended
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
