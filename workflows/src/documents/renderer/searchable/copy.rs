//! Copies objects of a PDF into another file as they are: decrypted, with new
//! numbers, streams packed as they were. What is copied is what can be reached from
//! what was asked for.

use std::collections::{HashMap, VecDeque};
use std::io::Write;

use hayro::hayro_syntax::object::{Array, Dict, MaybeRef, Number, ObjRef, Object, ObjectIdentifier, Stream};
use hayro::hayro_syntax::{Filter, Pdf};
use pdf_writer::{Finish, Name, Null, Obj, Ref, Str};

use super::file::{Numbers, PdfFile, new_chunk};
use crate::documents::error::DocumentError;

/// Objects within objects; more are left out. Files of real programs have ten.
const DEPTH_MAX: usize = 100;

/// What was copied of a document, and what is to be.
pub(super) struct Copier<'a> {
    pdf: &'a Pdf,
    /// The new number of each object that was met; `None`: it is left out.
    numbers: HashMap<ObjectIdentifier, Option<Ref>>,
    waiting: VecDeque<(ObjectIdentifier, Ref)>,
}

impl<'a> Copier<'a> {
    pub(super) fn new(pdf: &'a Pdf) -> Self {
        Self { pdf, numbers: HashMap::new(), waiting: VecDeque::new() }
    }

    /// References to the object lead to `id`, which is written elsewhere, or
    /// nowhere.
    pub(super) fn replace(&mut self, object: ObjectIdentifier, id: Option<Ref>) {
        self.numbers.insert(object, id);
    }

    /// Writes a value where `obj` is.
    pub(super) fn value(&mut self, value: &MaybeRef<Object<'a>>, obj: Obj<'_>, numbers: &Numbers) {
        match value {
            MaybeRef::Ref(place) => put_reference(self.reference((*place).into(), numbers), obj),
            MaybeRef::NotRef(value) => {
                put(value, obj, &mut |place| self.reference(place.into(), numbers), 0);
            }
        }
    }

    /// Writes the entries of `dict` but for those `without`.
    pub(super) fn entries(
        &mut self,
        dict: &Dict<'a>,
        into: &mut pdf_writer::Dict<'_>,
        numbers: &Numbers,
        without: &[&[u8]],
    ) {
        put_entries(dict, into, without, &mut |place| self.reference(place.into(), numbers), 0);
    }

    /// Writes all that was referred to so far, and what that refers to.
    pub(super) fn put_waiting<W: Write>(&mut self, file: &mut PdfFile<W>) -> Result<(), DocumentError> {
        while let Some((object, id)) = self.waiting.pop_front() {
            let mut chunk = new_chunk();
            match self.pdf.xref().get::<Object<'_>>(object) {
                Some(Object::Stream(stream)) => self.stream(&stream, &mut chunk, id, &file.numbers),
                Some(other) => self.value(&MaybeRef::NotRef(other), chunk.indirect(id), &file.numbers),
                // One that is missing is null (ISO 32000-1, 7.3.10).
                None => chunk.indirect(id).primitive(Null),
            }
            file.put(&chunk)?;
        }
        Ok(())
    }

    fn reference(&mut self, object: ObjectIdentifier, numbers: &Numbers) -> Option<Ref> {
        *self.numbers.entry(object).or_insert_with(|| {
            let id = numbers.next();
            self.waiting.push_back((object, id));
            Some(id)
        })
    }

    fn stream(&mut self, stream: &Stream<'a>, chunk: &mut pdf_writer::Chunk, id: Ref, numbers: &Numbers) {
        let data = stream.raw_data();
        let mut copy = chunk.stream(id, &data);
        if stream.filters().first() != Some(&Filter::Crypt) {
            self.entries(stream.dict(), &mut copy, numbers, &[b"Length"]);
            return;
        }
        // What was decrypted for reading has one filter less.
        self.entries(stream.dict(), &mut copy, numbers, &[b"Length", b"Filter", b"DecodeParms"]);
        for key in [&b"Filter"[..], b"DecodeParms"] {
            let rest: Vec<_> =
                stream.dict().get::<Array<'_>>(key).iter().flat_map(Array::raw_iter).skip(1).collect();
            if !rest.is_empty() {
                let mut array = copy.insert(Name(key)).array();
                rest.iter().for_each(|item| self.value(item, array.push(), numbers));
            }
        }
        copy.finish();
    }
}

/// Writes a value where `obj` is; `number_of` tells the new numbers of objects.
pub(super) fn put(
    value: &Object<'_>,
    obj: Obj<'_>,
    number_of: &mut dyn FnMut(ObjRef) -> Option<Ref>,
    depth: usize,
) {
    match value {
        Object::Boolean(value) => obj.primitive(*value),
        Object::Number(value) => put_number(*value, obj),
        Object::String(value) => obj.primitive(Str(value.as_bytes())),
        Object::Name(value) => obj.primitive(Name(value)),
        Object::Array(items) if depth < DEPTH_MAX => {
            let mut array = obj.array();
            for item in items.raw_iter() {
                put_item(&item, array.push(), number_of, depth + 1);
            }
        }
        Object::Dict(dict) if depth < DEPTH_MAX => {
            put_entries(dict, &mut obj.dict(), &[], number_of, depth + 1);
        }
        // A stream is an object of its own, never a part of one.
        Object::Null(_) | Object::Array(_) | Object::Dict(_) | Object::Stream(_) => obj.primitive(Null),
    }
}

/// Writes the entries of `dict` but for those `without`.
pub(super) fn put_entries(
    dict: &Dict<'_>,
    into: &mut pdf_writer::Dict<'_>,
    without: &[&[u8]],
    number_of: &mut dyn FnMut(ObjRef) -> Option<Ref>,
    depth: usize,
) {
    // In the order of their names: the reader's is not that of the file.
    let mut entries: Vec<_> = dict.entries().filter(|(name, _)| !without.contains(&&name[..])).collect();
    entries.sort_by(|(one, _), (other, _)| one[..].cmp(&other[..]));
    for (name, value) in entries {
        put_item(&value, into.insert(Name(&name)), number_of, depth);
    }
}

fn put_item(
    item: &MaybeRef<Object<'_>>,
    obj: Obj<'_>,
    number_of: &mut dyn FnMut(ObjRef) -> Option<Ref>,
    depth: usize,
) {
    match item {
        MaybeRef::Ref(place) => put_reference(number_of(*place), obj),
        MaybeRef::NotRef(value) => put(value, obj, number_of, depth),
    }
}

fn put_reference(id: Option<Ref>, obj: Obj<'_>) {
    match id {
        Some(id) => obj.primitive(id),
        None => obj.primitive(Null),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "reals are as precise as readers are")]
fn put_number(value: Number, obj: Obj<'_>) {
    match i32::try_from(value.as_i64()) {
        Ok(whole) if f64::from(whole).total_cmp(&value.as_f64()).is_eq() => obj.primitive(whole),
        _ => obj.primitive(value.as_f64() as f32),
    }
}
