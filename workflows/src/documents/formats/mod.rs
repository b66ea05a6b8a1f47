//! Formats of results, made from the neutral model, so that every engine yields
//! every format; the PDFs from the document's file as well.
//!
//! A new format is a file with a `WRITER` and an entry in each part of the list
//! below; the API, the command line and the texts are derived from it.

mod cells;
mod escape;
mod language;
mod list;

mod outline;

mod notes;
mod places;
mod writer;

mod alto;
mod hocr;
mod html;
mod json;
mod md;
mod page_xml;
mod pdf;
mod tsv;
mod txt;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::kind::Kind;
use crate::archive;
pub use outline::Outline;
use writer::Writer;
pub use writer::{Content, TextWriter};

/// Of this program, which formats name.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A format of a result. The first of the list is the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// A page for a browser.
    #[default]
    Html,
    /// Text, a form feed between pages.
    Txt,
    /// Markdown (GitHub's).
    Md,
    /// The neutral model.
    Json,
    /// hOCR 1.2: text with the positions of words.
    Hocr,
    /// ALTO 4.
    Alto,
    /// PAGE XML 2019, a file a page.
    Page,
    /// TSV as Tesseract writes it.
    Tsv,
    /// Searchable PDF.
    Pdf,
    /// Searchable PDF/A-2b.
    PdfA,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Html,
        Self::Txt,
        Self::Md,
        Self::Json,
        Self::Hocr,
        Self::Alto,
        Self::Page,
        Self::Tsv,
        Self::Pdf,
        Self::PdfA,
    ];

    const fn writer(self) -> &'static Writer {
        match self {
            Self::Html => &html::WRITER,
            Self::Txt => &txt::WRITER,
            Self::Md => &md::WRITER,
            Self::Json => &json::WRITER,
            Self::Hocr => &hocr::WRITER,
            Self::Alto => &alto::WRITER,
            Self::Page => &page_xml::WRITER,
            Self::Tsv => &tsv::WRITER,
            Self::Pdf => &pdf::WRITER,
            Self::PdfA => &pdf::ARCHIVAL_WRITER,
        }
    }
}

/// A kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileKind {
    /// How names of such files end, without the first dot: `html`, or `alto.xml`.
    pub extension: &'static str,
    /// Media type.
    pub content_type: &'static str,
}

impl FileKind {
    /// What the name of such a file ends with when it lies beside its document. It may
    /// not be named as the document is: `ocr.pdf`.
    #[must_use]
    pub fn ending(self) -> String {
        let Self { extension, .. } = self;
        match Kind::ALL.iter().any(|document| document.extension() == extension) {
            true => format!("ocr.{extension}"),
            false => extension.to_owned(),
        }
    }
}

/// Why a list of formats can't be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FormatError {
    /// There is no such format.
    #[error("unknown format {0:?}; available: {list}", list = Format::list())]
    Unknown(String),
    /// The list is empty.
    #[error("no format is given; available: {list}", list = Format::list())]
    Empty,
}

impl Format {
    /// What clients call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.writer().name
    }

    /// The file that a document of so many pages becomes in it.
    #[must_use]
    pub const fn file(self, pages: usize) -> FileKind {
        let Writer { extension, content_type, archive_extension, .. } = *self.writer();
        match archive_extension {
            Some(extension) if pages > 1 => FileKind { extension, content_type: archive::CONTENT_TYPE },
            _ => FileKind { extension, content_type },
        }
    }

    /// All that a document may become in it.
    pub fn files(self) -> impl Iterator<Item = FileKind> {
        let one = self.file(1);
        [one, self.file(2)].into_iter().take(if self.is_archive(2) { 2 } else { 1 })
    }

    /// Whether a document of so many pages becomes an archive, with a file for each
    /// of them under the name [`Format::page_name`].
    #[must_use]
    pub const fn is_archive(self, pages: usize) -> bool {
        pages > 1 && self.writer().archive_extension.is_some()
    }

    /// What it is, in a few words.
    #[must_use]
    pub const fn about(self) -> &'static str {
        self.writer().about
    }

    /// The names of all formats, separated by commas, for texts.
    #[must_use]
    pub fn list() -> String {
        Self::ALL.map(Self::name).join(", ")
    }

    /// What it is made from, and how.
    #[must_use]
    pub const fn content(self) -> Content {
        self.writer().content
    }

    /// What the file of a page is called in an archive.
    #[must_use]
    pub fn page_name(index: u32) -> String {
        // Documents have 5,000 pages at most, so that names are in order.
        format!("page-{:04}.xml", index + 1)
    }

    /// Joins names with commas, as [`Format::parse_list`] reads them.
    #[must_use]
    pub fn join(formats: &[Self]) -> String {
        let names: Vec<&str> = formats.iter().map(|format| format.name()).collect();
        names.join(",")
    }

    /// Reads `html,txt`: each format once, in the order given.
    ///
    /// # Errors
    /// [`FormatError`].
    pub fn parse_list(list: &str) -> Result<Vec<Self>, FormatError> {
        let mut formats = Vec::new();
        for name in list.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let format = name.parse()?;
            if !formats.contains(&format) {
                formats.push(format);
            }
        }
        if formats.is_empty() { Err(FormatError::Empty) } else { Ok(formats) }
    }
}

impl FromStr for Format {
    type Err = FormatError;

    fn from_str(name: &str) -> Result<Self, FormatError> {
        let known = Self::ALL.into_iter().find(|format| format.name().eq_ignore_ascii_case(name));
        known.ok_or_else(|| FormatError::Unknown(name.chars().take(40).collect()))
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod fixture;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_list_names_each_format_once() {
        assert_eq!(Format::parse_list("html, TXT,html").unwrap(), [Format::Html, Format::Txt]);
        assert_eq!(Format::parse_list(" , ").unwrap_err(), FormatError::Empty);
        let unknown = Format::parse_list("html,docx").unwrap_err();
        assert_eq!(unknown.to_string(), format!("unknown format \"docx\"; available: {}", Format::list()));
    }

    #[test]
    fn a_format_is_stored_by_the_name_it_is_asked_for_by() {
        for format in Format::ALL {
            assert_eq!(serde_json::to_string(&format).unwrap(), format!("\"{format}\""));
            assert_eq!(format.to_string().parse(), Ok(format));
        }
    }

    #[test]
    fn the_list_names_every_format_and_begins_with_the_default() {
        // serde lists all variants of the enum.
        let all = serde_json::from_str::<Format>("\"?\"").unwrap_err().to_string();
        let names = Format::ALL.map(|format| format!("`{}`", format.name())).join(", ");
        assert!(all.contains(&format!("expected one of {names} ")), "{all}");
        assert_eq!(Format::ALL[0], Format::default());
    }

    #[test]
    fn no_two_formats_share_a_name_or_a_file_name() {
        let names: HashSet<_> = Format::ALL.map(Format::name).into();
        assert_eq!(names.len(), Format::ALL.len());
        let extensions: Vec<_> =
            Format::ALL.into_iter().flat_map(Format::files).map(|file| file.extension).collect();
        let different: HashSet<_> = extensions.iter().collect();
        assert_eq!(extensions.len(), different.len(), "{extensions:?}");
    }

    #[test]
    fn a_format_of_one_page_a_file_is_an_archive_of_several() {
        let file = |pages| Format::Page.file(pages);
        assert_eq!((file(1).extension, file(1).content_type), ("page.xml", "application/xml"));
        assert_eq!((file(2).extension, file(2).content_type), ("page.zip", "application/zip"));
        assert_eq!(Format::Page.files().collect::<Vec<_>>(), [file(1), file(2)]);
        assert_eq!(Format::Html.files().collect::<Vec<_>>(), [Format::Html.file(2)]);
        assert_eq!(Format::page_name(41), "page-0042.xml");
        let ending = |format: Format| format.file(1).ending();
        assert_eq!(ending(Format::Html), "html");
        assert_eq!(
            (ending(Format::Pdf), ending(Format::PdfA)),
            ("ocr.pdf".to_owned(), "pdfa.pdf".to_owned())
        );
    }

    fn texts() -> impl Iterator<Item = Format> {
        Format::ALL.into_iter().filter(|format| matches!(format.content(), Content::Text(_)))
    }

    #[test]
    fn no_form_says_what_was_not_read_or_hides_what_failed() {
        let document = fixture::document();
        for format in texts() {
            let made = fixture::render(format, &document, "letter.pdf");
            assert!(made.contains("TIMEOUT"), "{format} hides the failed page:\n{made}");
            assert!(made.contains("42"), "{format} lost the text:\n{made}");
            assert!(made.contains("ends in the middle"), "{format} hides what is lost of a page:\n{made}");
        }
    }

    #[test]
    fn each_format_of_one_document_is_as_it_was() {
        for (document, name) in [(fixture::document(), ""), (fixture::layout(), "_layout")] {
            for format in texts() {
                let made = fixture::render(format, &document, "letter.pdf");
                let made = made.replace('\u{c}', "[form feed]").replace(VERSION, "[version]");
                insta::assert_snapshot!(format.name().to_owned() + name, made);
            }
        }
    }
}
