//! What PDF/A-2b (ISO 19005-2) wants of a file beyond that its pages keep to it:
//! metadata as XMP that agree with those of the file, and what its colours mean.

use std::io::Write;

use chrono::{Datelike, Timelike};
use pdf_writer::types::OutputIntentSubtype;
use pdf_writer::writers::OutputIntent;
use pdf_writer::{Finish, Name, Ref, TextStr};
use xmp_writer::{DateTime, Timezone, XmpWriter};

use super::SearchablePdf;
use super::document::{PRODUCER, made_at};
use super::file::{PdfFile, new_chunk};
use super::srgb;
use crate::documents::error::DocumentError;

/// What a catalog leads to.
pub(super) struct Archival {
    metadata: Ref,
    profile: Ref,
}

/// Writes both into `file`.
pub(super) fn put<W: Write>(file: &mut PdfFile<W>, task: &SearchablePdf) -> Result<Archival, DocumentError> {
    let metadata = file.numbers.next();
    let xmp = xmp(task);
    let mut chunk = new_chunk();
    // Not packed: programs that know no PDF shall find it.
    let mut stream = chunk.stream(metadata, xmp.as_bytes());
    stream.pair(Name(b"Type"), Name(b"Metadata")).pair(Name(b"Subtype"), Name(b"XML"));
    stream.finish();
    file.put(&chunk)?;
    let profile = file.put_packed(&srgb::profile(), |stream| {
        stream.pair(Name(b"N"), 3);
    })?;
    Ok(Archival { metadata, profile })
}

impl Archival {
    /// Says so in the catalog.
    pub(super) fn enter(&self, catalog: &mut pdf_writer::Dict<'_>) {
        catalog.pair(Name(b"Metadata"), self.metadata);
        let mut intents = catalog.insert(Name(b"OutputIntents")).array();
        let mut intent: OutputIntent<'_> = intents.push().start();
        intent
            .subtype(OutputIntentSubtype::PDFA)
            .output_condition_identifier(TextStr("sRGB"))
            .info(TextStr("sRGB"))
            .dest_output_profile(self.profile);
    }
}

fn xmp(task: &SearchablePdf) -> String {
    let at = made_at(task);
    let number = |number: u32| u8::try_from(number).unwrap_or_default();
    let at = DateTime::new(
        u16::try_from(at.year()).unwrap_or_default(),
        number(at.month()),
        number(at.day()),
        number(at.hour()),
        number(at.minute()),
        number(at.second()),
        Timezone::Utc,
    );
    let mut xmp = XmpWriter::new();
    xmp.pdfa_part(2).pdfa_conformance("B");
    xmp.title([(None, task.title.as_str())]);
    xmp.producer(PRODUCER).create_date(at).modify_date(at);
    xmp.finish(None)
}
