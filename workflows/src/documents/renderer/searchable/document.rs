//! What every searchable PDF has besides its pages.

use std::io::Write;

use chrono::{DateTime, Datelike, Timelike, Utc};
use hayro::hayro_syntax::metadata::Metadata;
use pdf_writer::{Date, Finish, Name, Rect, Ref, Str, TextStr};

use super::SearchablePdf;
use super::archival;
use super::file::{PdfFile, new_chunk};
use super::font::Font;
use crate::documents::error::DocumentError;

/// What the file says made it.
pub(super) const PRODUCER: &str = concat!("untxt ", env!("CARGO_PKG_VERSION"));

/// A document that is being written.
pub(super) struct Document<'t, W> {
    pub(super) file: PdfFile<W>,
    pub(super) font: Font,
    /// The node that all pages hang on.
    pub(super) tree: Ref,
    /// Those that are written, in order.
    pub(super) pages: Vec<Ref>,
    task: &'t SearchablePdf,
}

/// A page that is made here.
pub(super) struct Sheet {
    /// In points.
    pub(super) size: (f32, f32),
    /// Operators that draw it.
    pub(super) drawn: Vec<u8>,
    /// The pictures that they name.
    pub(super) pictures: Vec<(String, Ref)>,
}

impl<'t, W: Write> Document<'t, W> {
    pub(super) fn begin(out: W, task: &'t SearchablePdf, size_bytes_max: u64) -> Result<Self, DocumentError> {
        let file = PdfFile::begin(out, size_bytes_max)?;
        let (tree, font) = (file.numbers.next(), file.numbers.next());
        // Of the task, so that it differs from that of a page which was written so before.
        let mark: String = task.identity.chars().take(8).collect();
        let font = Font::new(font, format!("Untxt{mark}"));
        Ok(Self { file, font, tree, pages: Vec::new(), task })
    }

    /// Writes a page with `text` over what is drawn.
    pub(super) fn put_sheet(&mut self, sheet: &Sheet, text: Option<Vec<u8>>) -> Result<(), DocumentError> {
        let content = [&sheet.drawn[..], &text.unwrap_or_default()].concat();
        let content = self.file.put_packed(&content, |_| {})?;
        let id = self.file.numbers.next();
        let mut chunk = new_chunk();
        let mut page = chunk.page(id);
        page.parent(self.tree).media_box(Rect::new(0.0, 0.0, sheet.size.0, sheet.size.1)).contents(content);
        let mut resources = page.resources();
        resources.fonts().pair(Name(self.font.name.as_bytes()), self.font.id);
        let mut pictures = resources.x_objects();
        for (name, picture) in &sheet.pictures {
            pictures.pair(Name(name.as_bytes()), *picture);
        }
        pictures.finish();
        resources.finish();
        page.finish();
        self.file.put(&chunk)?;
        self.pages.push(id);
        Ok(())
    }

    /// Ends a document that is made here.
    pub(super) fn finish_new(mut self) -> Result<(), DocumentError> {
        let archival = match self.task.archival {
            true => Some(archival::put(&mut self.file, self.task)?),
            false => None,
        };
        let id = self.file.numbers.next();
        let mut chunk = new_chunk();
        let mut catalog = chunk.indirect(id).dict();
        catalog.pair(Name(b"Type"), Name(b"Catalog")).pair(Name(b"Pages"), self.tree);
        if let Some(archival) = archival {
            archival.enter(&mut catalog);
        }
        catalog.finish();
        self.file.put(&chunk)?;
        self.finish(id, None)
    }

    /// Ends it with a catalog that is written, and what the original says of itself.
    pub(super) fn finish(mut self, catalog: Ref, original: Option<&Metadata>) -> Result<(), DocumentError> {
        let mut chunk = new_chunk();
        let count = i32::try_from(self.pages.len()).unwrap_or(i32::MAX);
        chunk.pages(self.tree).kids(self.pages.iter().copied()).count(count);
        self.file.put(&chunk)?;
        self.font.put(&mut self.file)?;
        let info = self.put_info(original)?;
        let identity: Vec<u8> = self.task.identity.bytes().take(32).collect();
        self.file.finish(catalog, info, &identity)
    }

    fn put_info(&mut self, original: Option<&Metadata>) -> Result<Ref, DocumentError> {
        let id = self.file.numbers.next();
        let mut chunk = new_chunk();
        let mut info = chunk.indirect(id).dict();
        info.pair(Name(b"Producer"), TextStr(PRODUCER));
        let made_at = pdf_date(made_at(self.task));
        match original {
            Some(original) => {
                let kept = [
                    (&b"Title"[..], &original.title),
                    (b"Author", &original.author),
                    (b"Subject", &original.subject),
                    (b"Keywords", &original.keywords),
                    (b"Creator", &original.creator),
                ];
                for (key, value) in kept {
                    if let Some(value) = value {
                        info.pair(Name(key), Str(value));
                    }
                }
                if let Some(date) = original.creation_date {
                    let date = Date::new(date.year).month(date.month).day(date.day);
                    info.pair(Name(b"CreationDate"), date);
                }
            }
            None => {
                info.pair(Name(b"Title"), TextStr(&self.task.title)).pair(Name(b"CreationDate"), made_at);
            }
        }
        info.pair(Name(b"ModDate"), made_at);
        info.finish();
        self.file.put(&chunk)?;
        Ok(id)
    }
}

/// When the file counts as made: a time of the task's own, so that the same task
/// gives the same bytes.
pub(super) fn made_at(task: &SearchablePdf) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(task.made_at_ms).unwrap_or_default()
}

fn pdf_date(at: DateTime<Utc>) -> Date {
    let number = |number: u32| u8::try_from(number).unwrap_or_default();
    Date::new(u16::try_from(at.year()).unwrap_or_default())
        .month(number(at.month()))
        .day(number(at.day()))
        .hour(number(at.hour()))
        .minute(number(at.minute()))
        .second(number(at.second()))
        .utc_offset_hour(0)
        .utc_offset_minute(0)
}
