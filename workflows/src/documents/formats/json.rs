//! The neutral model as it is, with the file's name and the figures over all
//! pages.

use serde::Serialize;

use crate::documents::model::{ConfidenceKind, Document};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Result<'a> {
    filename: &'a str,
    text_length: usize,
    confidence: Option<f32>,
    confidence_kind: ConfidenceKind,
    #[serde(flatten)]
    document: &'a Document,
}

pub(super) fn render(document: &Document, filename: &str) -> Vec<u8> {
    let result = Result {
        filename,
        text_length: document.text_length(),
        confidence: document.confidence(),
        confidence_kind: document.confidence_kind(),
        document,
    };
    // Strings, numbers and lists always have a JSON.
    serde_json::to_vec_pretty(&result).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use crate::documents::model::Document;

    #[test]
    fn the_model_can_be_read_back() {
        let document = fixture::document();
        let made = super::render(&document, "letter.pdf");
        assert_eq!(serde_json::from_slice::<Document>(&made).unwrap(), document);
        let value: serde_json::Value = serde_json::from_slice(&made).unwrap();
        assert_eq!(
            (&value["filename"], &value["confidenceKind"]),
            (&"letter.pdf".into(), &"calibrated".into())
        );
    }
}
