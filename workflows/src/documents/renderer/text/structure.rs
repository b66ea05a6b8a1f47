//! What the tree of a document's structure states in place of what a page draws
//! (ISO 32000-2, 14.7 and 14.9.4). Of what an element may say only `ActualText`
//! stands on the page: `Alt` describes a picture, and `E` spells out what is
//! written short.

use std::collections::HashMap;

use hayro::hayro_syntax::object::{
    Array, Dict, MaybeRef, ObjRef, Object, ObjectIdentifier, Stream, String as Text,
};
use hayro::hayro_syntax::page::Page;
use hayro::hayro_syntax::xref::XRef;

use super::strings::decoded;

/// Pieces of marked content of one page; print has some thousands.
const PIECES_MAX: usize = 100_000;

/// Elements from one to the root, and nodes of a tree of numbers; a file that
/// leads in a circle ends here.
const DEPTH_MAX: usize = 64;

/// Entries of a node that are looked through for a number: as many as a document
/// may have pages, and annotations besides.
const ENTRIES_MAX: usize = 100_000;

/// Characters of one element; a page has fewer that can be read.
const TEXT_MAX: usize = 100_000;

/// The elements that a page's marked content belongs to.
pub(super) struct Structure<'a> {
    xref: &'a XRef,
    page: Option<ObjectIdentifier>,
    /// By the number of the content.
    elements: Vec<Option<ObjRef>>,
    /// Who speaks for the elements that were asked about, and for those above.
    known: HashMap<ObjRef, Option<ObjRef>>,
}

impl<'a> Structure<'a> {
    /// That of `page`; None where it has none, or where forms on it number
    /// content of their own, since nobody tells whose is drawn.
    pub(super) fn of(page: &Page<'a>) -> Option<Self> {
        let key = page.raw().get::<u32>(b"StructParents")?;
        let xref = page.xref();
        let root = xref.get::<Dict<'a>>(xref.root_id())?.get::<Dict<'a>>(b"StructTreeRoot")?;
        let content = entry(xref, root.get::<Dict<'a>>(b"ParentTree")?, key)?;
        let forms = &page.resources().x_objects;
        let numbers_its_own = |name| {
            forms.get::<Stream<'a>>(name).is_some_and(|form| form.dict().contains_key(b"StructParents"))
        };
        if forms.keys().take(ENTRIES_MAX).any(numbers_its_own) {
            return None;
        }
        let Object::Array(content) = content else { return None };
        let elements = content.raw_iter().take(PIECES_MAX).map(|element| element.as_obj_ref()).collect();
        Some(Self { xref, page: page.raw().obj_id(), elements, known: HashMap::new() })
    }

    /// The element that speaks for the content with this number: the outermost
    /// that states its text.
    pub(super) fn speaker(&mut self, content: u32) -> Option<ObjRef> {
        let element = (*self.elements.get(usize::try_from(content).ok()?)?)?;
        let (mut speaker, mut path, mut next) = (None, Vec::new(), Some(element));
        while let Some(this) = next.filter(|_| path.len() < DEPTH_MAX) {
            if let Some(known) = self.known.get(&this) {
                speaker = known.or(speaker);
                break;
            }
            path.push(this);
            let Some(dict) = self.xref.get::<Dict<'a>>(this.into()) else { break };
            if dict.contains_key(b"ActualText") {
                speaker = Some(this);
            }
            next = dict.get_ref(b"P");
        }
        // Nobody speaks for those above it.
        let below = path.iter().position(|this| Some(*this) == speaker).map_or(path.len(), |at| at + 1);
        let above = path.split_off(if speaker.is_some() { below } else { 0 });
        self.known.extend(path.into_iter().map(|this| (this, speaker)));
        self.known.extend(above.into_iter().map(|this| (this, None)));
        speaker
    }

    /// What an element states. One that goes on over pages says it where it
    /// begins.
    pub(super) fn text(&self, element: ObjRef) -> String {
        let Some(dict) = self.xref.get::<Dict<'a>>(element.into()) else { return String::new() };
        let text = dict.get::<Text<'a>>(b"ActualText").filter(|_| self.begins_here(dict));
        text.map(|text| decoded(&text).chars().take(TEXT_MAX).collect()).unwrap_or_default()
    }

    /// Whether the first content below an element is on this page; true where
    /// nothing tells.
    fn begins_here(&self, element: Dict<'a>) -> bool {
        let mut element = element;
        let mut page = None;
        for _ in 0..DEPTH_MAX {
            page = element.get_ref(b"Pg").or(page);
            let first = match element.get::<Object<'a>>(b"K") {
                Some(Object::Array(kids)) => kids.iter::<Object<'a>>().next(),
                other => other,
            };
            match first {
                Some(Object::Dict(first)) => element = first,
                _ => break,
            }
        }
        page.is_none_or(|page| self.page.is_none_or(|this| this == page.into()))
    }
}

/// What stands under `key` in a tree of numbers (ISO 32000-2, 7.9.7).
fn entry<'a>(xref: &'a XRef, root: Dict<'a>, key: u32) -> Option<Object<'a>> {
    let mut node = root;
    for _ in 0..DEPTH_MAX {
        if let Some(numbers) = node.get::<Array<'a>>(b"Nums") {
            return numbered(xref, &numbers, key);
        }
        let kids = node.get::<Array<'a>>(b"Kids")?.raw_iter().take(ENTRIES_MAX);
        let mut kids = kids.filter_map(|kid| xref.get::<Dict<'a>>(kid.as_obj_ref()?.into()));
        node = kids.find(|kid| {
            let limits =
                kid.get::<Array<'a>>(b"Limits").map(|limits| limits.iter::<u32>().collect::<Vec<_>>());
            limits.is_some_and(|limits| matches!(limits[..], [least, most] if (least..=most).contains(&key)))
        })?;
    }
    None
}

fn numbered<'a>(xref: &'a XRef, numbers: &Array<'a>, key: u32) -> Option<Object<'a>> {
    let mut entries = numbers.raw_iter().take(2 * ENTRIES_MAX);
    while let (Some(number), Some(value)) = (entries.next(), entries.next()) {
        let MaybeRef::NotRef(Object::Number(number)) = number else { continue };
        if number.as_i64() == i64::from(key) {
            return match value {
                MaybeRef::Ref(place) => xref.get(place.into()),
                MaybeRef::NotRef(value) => Some(value),
            };
        }
    }
    None
}
