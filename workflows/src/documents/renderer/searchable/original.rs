//! The pages of a PDF as they are, with the text of recognised pages over them.
//!
//! All that the catalog leads to is copied into a new file: outlines, links, forms,
//! attachments, layers and tags stay, streams stay packed as they were. The other way
//! would be to append to the file what is new. Its bytes would stay what they were,
//! but a damaged or encrypted file can't be appended to without more than hayro tells
//! of it, and of a selection of pages the others would remain in the file.

use std::collections::HashMap;
use std::io::Write;

use hayro::hayro_interpret::util::TransformExt;
use hayro::hayro_syntax::Pdf;
use hayro::hayro_syntax::object::{Array, Dict, MaybeRef, Name as PdfName, Object, ObjectIdentifier, Stream};
use hayro::hayro_syntax::page::{Page, Rotation};
use pdf_writer::{Finish, Name, Ref};

use super::copy::Copier;
use super::document::Document;
use super::file::{Numbers, new_chunk};
use super::font::Font;
use super::invisible::without_invisible_text;
use super::own_text::OwnText;
use super::{RecognizedPages, no_such_page, text};
use crate::documents::error::DocumentError;
use crate::documents::model::{self, PageSource};

/// Entries of the catalog that a selection of pages keeps. The others lead to pages
/// that were not asked for, or say what is on them.
const KEPT_OF_SELECTION: [&[u8]; 5] =
    [b"Lang", b"OCProperties", b"PageLayout", b"Type", b"ViewerPreferences"];

/// Entries of a page that are written anew.
const REPLACED: [&[u8]; 7] =
    [b"Type", b"Parent", b"MediaBox", b"CropBox", b"Rotate", b"Resources", b"Contents"];

/// Names of standards, as metadata spell them. That a file keeps to one can't be
/// promised of another file.
const STANDARDS: [&[u8]; 3] = [b"pdfaid", b"pdfuaid", b"pdfxid"];

/// Nodes of the page tree above a page; files of real programs have five.
const ANCESTORS_MAX: usize = 64;

/// Writes the document of `pdf` with those of its pages that were recognised.
pub(super) fn write<W: Write>(
    document: Document<'_, W>,
    pdf: &Pdf,
    pages: &RecognizedPages,
) -> Result<(), DocumentError> {
    let originals = pdf.pages();
    let is_whole = pages.indexes().len() == originals.len();
    let mut copy = Copy { document, copier: Copier::new(pdf), is_whole, shared: HashMap::new() };
    let mut ids: Vec<Option<Ref>> = vec![None; originals.len()];
    for index in pages.indexes() {
        let id = ids.get_mut(*index as usize).ok_or_else(|| no_such_page(*index, originals.len()))?;
        *id = Some(copy.document.file.numbers.next());
    }
    // Links lead to the new pages, or nowhere.
    for (page, id) in originals.iter().zip(&ids) {
        if let Some(object) = page.raw().obj_id() {
            copy.copier.replace(object, *id);
        }
    }
    for recognized in pages.read()? {
        let recognized = recognized?;
        let index = recognized.index;
        let page = originals.get(index as usize).zip(ids.get(index as usize).copied().flatten());
        let (page, id) = page.ok_or_else(|| no_such_page(index, originals.len()))?;
        copy.put_page(page, id, &recognized)?;
    }
    let catalog = copy.put_catalog(pdf)?;
    copy.document.finish(catalog, Some(pdf.metadata()))
}

/// A part of a page's content.
enum Part<'a> {
    New(Ref),
    Own(MaybeRef<Object<'a>>),
}

/// A document, and what is copied into it.
struct Copy<'a, 't, W> {
    document: Document<'t, W>,
    copier: Copier<'a>,
    is_whole: bool,
    /// Resources that several pages share, by the object that holds them, with the
    /// font of the text that is not seen.
    shared: HashMap<ObjectIdentifier, Ref>,
}

/// What a page draws with.
struct PageResources<'a> {
    dict: Dict<'a>,
    /// The object that holds them, unless that is the page.
    holder: Option<ObjectIdentifier>,
}

impl<'a, W: Write> Copy<'a, '_, W> {
    fn put_catalog(&mut self, pdf: &'a Pdf) -> Result<Ref, DocumentError> {
        let id = self.document.file.numbers.next();
        let mut chunk = new_chunk();
        let mut dict = chunk.indirect(id).dict();
        dict.pair(Name(b"Type"), Name(b"Catalog")).pair(Name(b"Pages"), self.document.tree);
        if let Some(catalog) = pdf.xref().get::<Dict<'_>>(pdf.xref().root_id()) {
            let mut without: Vec<&[u8]> = vec![b"Type", b"Pages", b"Version"];
            let keys: Vec<_> = catalog.keys().collect();
            if !self.is_whole {
                without
                    .extend(keys.iter().map(|key| &key[..]).filter(|key| !KEPT_OF_SELECTION.contains(key)));
            }
            if claims_a_standard(&catalog) {
                without.push(b"Metadata");
            }
            self.copier.entries(&catalog, &mut dict, &self.document.file.numbers, &without);
        }
        dict.finish();
        self.document.file.put(&chunk)?;
        self.copier.put_waiting(&mut self.document.file)?;
        Ok(id)
    }

    fn put_page(
        &mut self,
        page: &'a Page<'a>,
        id: Ref,
        recognized: &model::Page,
    ) -> Result<(), DocumentError> {
        let contents = self.put_contents(page, recognized)?;
        let resources = resources(page);
        let shared = match &resources {
            Some(PageResources { dict, holder: Some(holder) }) => Some(self.put_shared(*holder, dict)?),
            _ => None,
        };
        let annotations = if self.is_whole { None } else { Some(self.put_annotations(page)?) };

        let numbers = &self.document.file.numbers;
        let mut chunk = new_chunk();
        let mut dict = chunk.indirect(id).dict();
        dict.pair(Name(b"Type"), Name(b"Page"));
        dict.pair(Name(b"Parent"), self.document.tree);
        // These may have been inherited.
        for (key, area) in [(&b"MediaBox"[..], page.media_box()), (b"CropBox", page.crop_box())] {
            dict.insert(Name(key)).array().items([area.x0, area.y0, area.x1, area.y1].map(single));
        }
        dict.pair(Name(b"Rotate"), degrees(page.rotation()));
        match (shared, &resources) {
            (Some(shared), _) => {
                dict.pair(Name(b"Resources"), shared);
            }
            (None, resources) => {
                let own = resources.as_ref().map(|resources| &resources.dict);
                let mut into = dict.insert(Name(b"Resources")).dict();
                put_resources(&mut self.copier, own, &mut into, &self.document.font, numbers);
            }
        }
        if !contents.is_empty() {
            let mut array = dict.insert(Name(b"Contents")).array();
            for part in &contents {
                match part {
                    Part::New(id) => array.push().primitive(*id),
                    Part::Own(own) => self.copier.value(own, array.push(), numbers),
                }
            }
        }
        let mut without = REPLACED.to_vec();
        if let Some(annotations) = annotations {
            // Tags are those of the whole document.
            without.extend([&b"StructParents"[..], b"Annots"]);
            dict.insert(Name(b"Annots")).array().items(annotations);
        }
        self.copier.entries(page.raw(), &mut dict, numbers, &without);
        dict.finish();
        self.document.file.put(&chunk)?;
        self.document.pages.push(id);
        // What the page needs stands behind it.
        self.copier.put_waiting(&mut self.document.file)
    }

    /// The parts of the page's content, with the text that is not seen first: what
    /// the others leave the state of drawing in is not known.
    fn put_contents(
        &mut self,
        page: &'a Page<'a>,
        recognized: &model::Page,
    ) -> Result<Vec<Part<'a>>, DocumentError> {
        let own = parts(page);
        if recognized.source == PageSource::TextLayer || recognized.words().next().is_none() {
            return Ok(own);
        }
        let seen = OwnText::of(page);
        let font = &mut self.document.font;
        let text = text::shown(recognized, page.render_dimensions(), font, |word| seen.has(word));
        let mut parts = match text {
            Some(text) => {
                let [a, b, c, d, e, f] =
                    page.initial_transform(false).to_kurbo().inverse().as_coeffs().map(single);
                let turn = format!("q {a} {b} {c} {d} {e} {f} cm\n");
                let text = [turn.as_bytes(), &text, b"\nQ\n"].concat();
                vec![Part::New(self.document.file.put_packed(&text, |_| {})?)]
            }
            None => Vec::new(),
        };
        match without_invisible_text(page) {
            Some(rest) => parts.push(Part::New(self.document.file.put_packed(&rest, |_| {})?)),
            None => parts.extend(own),
        }
        Ok(parts)
    }

    /// The resources that `holder` gives to several pages; written once.
    fn put_shared(&mut self, holder: ObjectIdentifier, dict: &Dict<'a>) -> Result<Ref, DocumentError> {
        if let Some(id) = self.shared.get(&holder) {
            return Ok(*id);
        }
        let id = self.document.file.numbers.next();
        self.shared.insert(holder, id);
        let mut chunk = new_chunk();
        let mut into = chunk.indirect(id).dict();
        let Document { file, font, .. } = &mut self.document;
        put_resources(&mut self.copier, Some(dict), &mut into, font, &file.numbers);
        into.finish();
        file.put(&chunk)?;
        Ok(id)
    }

    /// The annotations of a page of a selection. Those of forms lose the field they
    /// belong to, as it leads to those of other pages; they look as they did.
    fn put_annotations(&mut self, page: &'a Page<'a>) -> Result<Vec<Ref>, DocumentError> {
        let all = page.raw().get::<Array<'_>>(b"Annots");
        let all: Vec<_> = all.iter().flat_map(Array::raw_iter).collect();
        // They refer to each other.
        let ids: Vec<Ref> = all.iter().map(|_| self.document.file.numbers.next()).collect();
        for (item, id) in all.iter().zip(&ids) {
            if let Some(object) = item.as_obj_ref() {
                self.copier.replace(object.into(), Some(*id));
            }
        }
        let mut written = Vec::new();
        for (item, id) in all.into_iter().zip(ids) {
            let dict = match item {
                MaybeRef::Ref(place) => page.xref().get::<Dict<'_>>(place.into()),
                MaybeRef::NotRef(object) => object.into_dict(),
            };
            let Some(dict) = dict else { continue };
            let is_widget = dict.get::<PdfName<'_>>(b"Subtype").is_some_and(|kind| &kind[..] == b"Widget");
            let without: &[&[u8]] =
                if is_widget { &[b"Parent", b"Kids", b"StructParent"] } else { &[b"StructParent"] };
            let mut chunk = new_chunk();
            let mut into = chunk.indirect(id).dict();
            self.copier.entries(&dict, &mut into, &self.document.file.numbers, without);
            into.finish();
            self.document.file.put(&chunk)?;
            written.push(id);
        }
        Ok(written)
    }
}

/// The resources of a page, its own or those of the nearest node above that has any.
fn resources<'a>(page: &'a Page<'a>) -> Option<PageResources<'a>> {
    const KEY: &[u8] = b"Resources";
    let mut node = page.raw().clone();
    for above in 0..ANCESTORS_MAX {
        if let Some(dict) = node.get::<Dict<'_>>(KEY) {
            let holder = node.get_ref(KEY).map(Into::into);
            return Some(PageResources {
                dict,
                holder: holder.or_else(|| node.obj_id().filter(|_| above > 0)),
            });
        }
        node = node.get::<Dict<'_>>(b"Parent")?;
    }
    None
}

/// Writes resources with the font of the text that is not seen among theirs.
fn put_resources<'a>(
    copier: &mut Copier<'a>,
    own: Option<&Dict<'a>>,
    into: &mut pdf_writer::Dict<'_>,
    font: &Font,
    numbers: &Numbers,
) {
    let fonts = own.and_then(|own| own.get::<Dict<'_>>(b"Font"));
    let mut into_fonts = into.insert(Name(b"Font")).dict();
    into_fonts.pair(Name(font.name.as_bytes()), font.id);
    if let Some(fonts) = fonts {
        copier.entries(&fonts, &mut into_fonts, numbers, &[font.name.as_bytes()]);
    }
    into_fonts.finish();
    if let Some(own) = own {
        copier.entries(own, into, numbers, &[b"Font"]);
    }
}

/// The parts of a page's content, as it names them.
fn parts<'a>(page: &'a Page<'a>) -> Vec<Part<'a>> {
    const KEY: &[u8] = b"Contents";
    match page.raw().get::<Array<'_>>(KEY) {
        Some(parts) => parts.raw_iter().map(Part::Own).collect(),
        None => page.raw().get_ref(KEY).map(|part| Part::Own(MaybeRef::Ref(part))).into_iter().collect(),
    }
}

/// Whether the metadata say that the file keeps to a standard.
fn claims_a_standard(catalog: &Dict<'_>) -> bool {
    let metadata = catalog.get::<Stream<'_>>(b"Metadata").and_then(|stream| stream.decoded_data().ok());
    let says = |word: &&[u8]| metadata.iter().any(|xmp| xmp.windows(word.len()).any(|at| at == *word));
    STANDARDS.iter().any(says)
}

fn degrees(rotation: Rotation) -> i32 {
    match rotation {
        Rotation::None => 0,
        Rotation::Horizontal => 90,
        Rotation::Flipped => 180,
        Rotation::FlippedHorizontal => 270,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "as precise as readers are")]
fn single(number: f64) -> f32 {
    // Without the sign of a zero.
    number as f32 + 0.0
}
