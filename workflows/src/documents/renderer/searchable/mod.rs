//! Searchable PDFs: the pages of a document with the recognised text over them, not
//! seen, so that it can be searched, selected and copied where it stands.
//!
//! The map: `file` (objects, one after the other), `copy` (objects of another file),
//! `font` and `text` (what is not seen), `document` (what all have), then where pages
//! come from: `original` with `own_text` and `invisible` (a PDF as it is), `pictured` (a
//! PDF as pictures), `sheet` with `png_data` (picture files); `archival` and `srgb`
//! (PDF/A).
//!
//! Pages are written as they are read, one at a time: in memory are the document's
//! file, the page on its way, the characters that occurred, and a few numbers for
//! each object.

mod archival;
mod copy;
mod document;
mod file;
mod font;
mod invisible;
mod original;
mod own_text;
mod pictured;
mod png_data;
mod sheet;
mod srgb;
mod text;

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::pdf;
use super::protocol::ChildLimits;
use crate::documents::error::DocumentError;
use crate::documents::kind::Kind;
use crate::documents::model::Page;
use document::Document;

/// A searchable PDF that is to be written.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SearchablePdf {
    /// A file with the pages that it shall have, each as the JSON of a
    /// [`crate::documents::model::Page`] on a line of its own, in order.
    pub pages: PathBuf,
    /// Whether it keeps to PDF/A-2b.
    pub archival: bool,
    /// Its title, if the document has none.
    pub title: String,
    /// Letters and digits that tell it from any other file: 32 of them count.
    pub identity: String,
    /// When it counts as made, in milliseconds since 1970.
    pub made_at_ms: i64,
}

/// Writes the searchable PDF of the document in `data`.
pub(super) fn write(
    data: Vec<u8>,
    kind: Kind,
    task: &SearchablePdf,
    limits: &ChildLimits,
    out: impl Write,
) -> Result<(), DocumentError> {
    let pages = RecognizedPages::open(&task.pages)?;
    let document = Document::begin(out, task, limits.written_bytes_max)?;
    match (kind, task.archival) {
        (Kind::Pdf, false) => original::write(document, &pdf::open(data)?, &pages),
        (Kind::Pdf, true) => pictured::write(document, &pdf::open(data)?, &pages, limits),
        (kind, _) => sheet::write(document, &data, kind, &pages, limits),
    }
}

/// The pages of the result, in a file.
struct RecognizedPages {
    path: PathBuf,
    indexes: Vec<u32>,
}

impl RecognizedPages {
    fn open(path: &Path) -> Result<Self, DocumentError> {
        /// What is read of a page at first.
        #[derive(Deserialize)]
        struct Place {
            index: u32,
        }
        let indexes =
            lines::<Place>(path)?.map(|page| Ok(page?.index)).collect::<Result<_, DocumentError>>()?;
        Ok(Self { path: path.to_owned(), indexes })
    }

    /// Which they are, from 0.
    fn indexes(&self) -> &[u32] {
        &self.indexes
    }

    /// Reads them one at a time.
    fn read(&self) -> Result<impl Iterator<Item = Result<Page, DocumentError>>, DocumentError> {
        lines(&self.path)
    }
}

/// What stands on each line of a file.
fn lines<T: for<'d> Deserialize<'d>>(
    path: &Path,
) -> Result<impl Iterator<Item = Result<T, DocumentError>> + use<T>, DocumentError> {
    let name = path.display().to_string();
    let unreadable = move |error: &dyn std::fmt::Display| {
        DocumentError::RendererUnavailable(format!("the recognised pages in {name}: {error}"))
    };
    let file = File::open(path).map_err(|error| unreadable(&error))?;
    Ok(BufReader::new(file).lines().map(move |line| {
        let line = line.map_err(|error| unreadable(&error))?;
        serde_json::from_str(&line).map_err(|error| unreadable(&error))
    }))
}

fn no_such_page(index: u32, pages: usize) -> DocumentError {
    DocumentError::PageOutOfRange {
        page: index.saturating_add(1),
        pages: u32::try_from(pages).unwrap_or(u32::MAX),
    }
}
