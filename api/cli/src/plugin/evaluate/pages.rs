//! Finds the files of a folder and their true texts.

use std::ffi::OsStr;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use untxt_workflows::documents::kind::Kind;

use crate::failure::Failure;

/// Bytes of a text: a page of small print has 10,000 characters, and comparing takes
/// the square of their number.
const TEXT_BYTES_MAX: u64 = 64 << 10;

/// Bytes of a file that show what it is.
const HEAD_BYTES: u64 = 2_048;

/// A file to be read and its true text.
pub(super) struct Page {
    /// Its name in the folder.
    pub(super) name: String,
    pub(super) document: PathBuf,
    pub(super) truth: String,
}

/// The files of `folder`, by name, each with its text from beside it.
pub(super) fn pages(folder: &Path) -> Result<Vec<Page>, Failure> {
    let unreadable = |error: std::io::Error| Failure::usage(format!("{}: {error}", folder.display()));
    let mut documents = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let is_text = path.extension() == Some(OsStr::new("txt"));
        if path.is_file() && !is_text && is_document(&path)? {
            documents.push(path);
        }
    }
    documents.sort();
    if documents.is_empty() {
        let kinds = Kind::list("or");
        return Err(Failure::usage(format!("{}: no {kinds} file", folder.display())));
    }
    let missing: Vec<String> = documents
        .iter()
        .map(|path| path.with_extension("txt"))
        .filter(|text| !text.is_file())
        .map(|path| path.display().to_string())
        .collect();
    if !missing.is_empty() {
        return Err(Failure::usage(format!("the true text is missing: {}", missing.join(", "))));
    }
    documents.into_iter().map(page).collect()
}

fn page(document: PathBuf) -> Result<Page, Failure> {
    let name = document.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let truth = text(&document.with_extension("txt"))?;
    Ok(Page { name, document, truth })
}

/// A text of at most [`TEXT_BYTES_MAX`] bytes.
pub(super) fn text(path: &Path) -> Result<String, Failure> {
    let wrong = |reason: String| Failure::usage(format!("{}: {reason}", path.display()));
    let file = fs::File::open(path).map_err(|error| wrong(error.to_string()))?;
    let mut bytes = Vec::new();
    file.take(TEXT_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|error| wrong(error.to_string()))?;
    if bytes.len() as u64 > TEXT_BYTES_MAX {
        return Err(wrong(format!("more than {TEXT_BYTES_MAX} bytes")));
    }
    String::from_utf8(bytes).map_err(|_| wrong("not UTF-8".to_owned()))
}

fn is_document(path: &Path) -> Result<bool, Failure> {
    let mut head = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(HEAD_BYTES).read_to_end(&mut head));
    read.map_err(|error| Failure::file(path, &error))?;
    Ok(Kind::of(&head).is_some())
}
