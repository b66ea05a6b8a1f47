//! The neutral model with the file's name and the figures over all pages before
//! it. Compact, and each page on a line of its own: a reader need not hold more
//! than one.
//!
//! ```text
//! {"filename":"book.pdf","textLength":4711,…,"pages":[
//! {"index":0,…},
//! {"index":1,…}
//! ]}
//! ```

use serde::Serialize;

use super::outline::Outline;
use super::writer::{Content, TextWriter, Writer};
use crate::documents::model::{ConfidenceKind, Document, Engine};

/// The format.
pub(super) const WRITER: Writer = Writer {
    name: "json",
    extension: "json",
    content_type: "application/json",
    archive_extension: None,
    about: "text, positions and confidences for programs",
    content: Content::Text(TextWriter {
        head,
        page: |_, page| json(page),
        between: ",\n",
        tail: |_| TAIL.to_owned(),
    }),
};

/// What closes the list of pages and the object that [`head`] opened.
const TAIL: &str = "\n]}\n";

/// All of the result but its pages.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Head<'a> {
    filename: &'a str,
    text_length: usize,
    confidence: Option<f32>,
    confidence_kind: ConfidenceKind,
    version: u32,
    engine: &'a Engine,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<&'a str>,
}

fn head(outline: &Outline<'_>) -> String {
    let Outline { filename, engine, figures, .. } = *outline;
    let head = Head {
        filename,
        text_length: figures.text_length,
        confidence: figures.confidence(),
        confidence_kind: figures.confidence_kind(),
        version: Document::VERSION,
        engine,
        language: figures.language.as_deref(),
    };
    let object = json(&head);
    // The list of pages is its last member.
    format!("{},\"pages\":[\n", object.strip_suffix('}').unwrap_or(&object))
}

/// Strings, numbers and lists always have a JSON, and line breaks in strings are
/// escaped.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::{Format, fixture};
    use crate::documents::model::{Document, Page};

    #[test]
    fn the_model_can_be_read_back() {
        let document = fixture::document();
        let made = fixture::render(Format::Json, &document, "letter.pdf");
        assert_eq!(serde_json::from_str::<Document>(&made).unwrap(), document);
        let value: serde_json::Value = serde_json::from_str(&made).unwrap();
        assert_eq!(
            (&value["filename"], &value["confidenceKind"]),
            (&"letter.pdf".into(), &"calibrated".into())
        );
    }

    #[test]
    fn each_page_is_a_line() {
        let mut document = fixture::document();
        document.pages[0].html = Some("<p>\n</p>".to_owned());
        let made = fixture::render(Format::Json, &document, "letter.pdf");
        let lines: Vec<&str> = made.lines().collect();
        assert_eq!(lines.len(), 4, "{made}");
        assert!(lines[0].ends_with("\"pages\":["), "{}", lines[0]);
        let pages: Vec<Page> = lines[1..3]
            .iter()
            .map(|line| serde_json::from_str(line.trim_end_matches(',')).unwrap())
            .collect();
        assert_eq!(pages, document.pages);
        assert_eq!(lines[3], "]}");
    }
}
