//! The forms a result is given to people and programs in, each made from the
//! neutral model alone, so that every engine yields every one.

mod cells;
mod escape;
mod hocr;
mod html;
mod json;
mod language;
mod md;
mod txt;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::figures::Figures;
use super::model::{Engine, Page, PageStatus};

/// A form of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// A page for a browser.
    Html,
    /// Text, a form feed between pages.
    Txt,
    /// Markdown (GitHub's).
    Md,
    /// The neutral model.
    Json,
    /// hOCR 1.2: text with the places of words.
    Hocr,
}

/// What is known of a document before its first page is written.
#[derive(Clone, Copy, Debug)]
pub struct Outline<'a> {
    /// What the client called the file.
    pub filename: &'a str,
    /// Who recognised it.
    pub engine: &'a Engine,
    /// What all its pages add up to.
    pub figures: &'a Figures,
}

/// Why a list of formats can't be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FormatError {
    /// Nobody makes it.
    #[error("unknown format {0:?}; available: html, txt, md, json, hocr")]
    Unknown(String),
    /// Nothing is asked for.
    #[error("no format is given; available: html, txt, md, json, hocr")]
    Empty,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Html, Self::Txt, Self::Md, Self::Json, Self::Hocr];

    /// Its name, which is also how names of such files end, without the dot.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Html => "html",
            Self::Txt => "txt",
            Self::Md => "md",
            Self::Json => "json",
            Self::Hocr => "hocr",
        }
    }

    /// Its media type.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Html => "text/html; charset=utf-8",
            Self::Txt => "text/plain; charset=utf-8",
            Self::Md => "text/markdown; charset=utf-8",
            Self::Json => "application/json",
            Self::Hocr => "text/vnd.hocr+html; charset=utf-8",
        }
    }

    /// What stands before the first page, as UTF-8. Head, pages with
    /// [`Format::between`] between them, and tail, one after the other, are the
    /// document in this form; the same document gives the same bytes.
    #[must_use]
    pub fn head(self, outline: &Outline<'_>) -> String {
        match self {
            Self::Html => html::head(outline),
            Self::Txt => String::new(),
            Self::Md => md::HEAD.to_owned(),
            Self::Json => json::head(outline),
            Self::Hocr => hocr::head(outline),
        }
    }

    /// One page.
    #[must_use]
    pub fn page(self, outline: &Outline<'_>, page: &Page) -> String {
        match self {
            Self::Html => html::page(outline, page),
            Self::Txt => txt::page(page),
            Self::Md => md::page(outline, page),
            Self::Json => json::page(page),
            Self::Hocr => hocr::page(page, outline.filename),
        }
    }

    /// What stands between two pages.
    #[must_use]
    pub fn between(self) -> &'static str {
        match self {
            Self::Txt => "\u{c}",
            Self::Json => ",\n",
            Self::Html | Self::Md | Self::Hocr => "",
        }
    }

    /// What stands after the last page.
    #[must_use]
    pub fn tail(self, outline: &Outline<'_>) -> String {
        match self {
            Self::Html => html::tail(outline),
            Self::Txt => String::new(),
            Self::Md => md::tail(outline),
            Self::Json => json::TAIL.to_owned(),
            Self::Hocr => hocr::TAIL.to_owned(),
        }
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
        let known = Self::ALL.into_iter().find(|format| format.extension().eq_ignore_ascii_case(name));
        known.ok_or_else(|| FormatError::Unknown(name.chars().take(40).collect()))
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.extension())
    }
}

/// What is said in place of a page that could not be recognised.
fn apology(index: u32, status: &PageStatus) -> Option<String> {
    let PageStatus::Failed { code, message } = status else { return None };
    Some(format!("Page {} could not be recognised: {code}: {message}", index + 1))
}

/// What is said beside a page of which parts could not be read.
fn warnings(page: &Page) -> impl Iterator<Item = String> {
    let number = page.index + 1;
    page.warnings.iter().map(move |warning| format!("Not all of page {number} could be read: {warning}"))
}

/// What stands under the text: names and values.
fn facts(outline: &Outline<'_>) -> Vec<(&'static str, String)> {
    let Outline { filename, engine, figures } = outline;
    let confidence =
        figures.confidence().map_or_else(|| "none".to_owned(), |part| format!("{:.1}%", part * 100.0));
    let language = figures.language.as_deref().map_or("unknown", language::name);
    let mut facts = vec![
        ("Confidence", confidence),
        ("Confidence kind", figures.confidence_kind().as_str().to_owned()),
        ("Language", language.to_owned()),
        ("Engine", engine.name.clone()),
        ("Engine digest", engine.digest.clone()),
        ("File", (*filename).to_owned()),
        ("Pages", figures.pages.to_string()),
    ];
    if !figures.failed_pages.is_empty() {
        let pages: Vec<String> = figures.failed_pages.iter().map(u32::to_string).collect();
        facts.push(("Pages not recognised", pages.join(", ")));
    }
    if figures.warning_count > 0 {
        facts.push(("Warnings", figures.warning_count.to_string()));
    }
    if engine.simulated {
        facts.push((
            "Simulated",
            "yes: the engine repeats text that the file carries and makes up the rest, it does not read"
                .to_owned(),
        ));
    }
    facts
}

#[cfg(test)]
mod fixture;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_names_each_format_once() {
        assert_eq!(Format::parse_list("html, TXT,html").unwrap(), [Format::Html, Format::Txt]);
        assert_eq!(Format::parse_list(" , ").unwrap_err(), FormatError::Empty);
        let unknown = Format::parse_list("html,docx").unwrap_err();
        assert_eq!(unknown.to_string(), "unknown format \"docx\"; available: html, txt, md, json, hocr");
    }

    #[test]
    fn a_format_is_stored_by_the_name_it_is_asked_for_by() {
        for format in Format::ALL {
            assert_eq!(serde_json::to_string(&format).unwrap(), format!("\"{format}\""));
            assert_eq!(format.to_string().parse(), Ok(format));
        }
    }

    #[test]
    fn no_form_says_what_was_not_read_or_hides_what_failed() {
        let document = fixture::document();
        for format in Format::ALL {
            let made = fixture::render(format, &document, "letter.pdf");
            assert!(made.contains("TIMEOUT"), "{format} hides the failed page:\n{made}");
            assert!(made.contains("42"), "{format} lost the text:\n{made}");
            assert!(made.contains("ends in the middle"), "{format} hides what is lost of a page:\n{made}");
        }
    }
}
