//! Makes answers: everything left open that an engine has no figure for.

use crate::{Block, Description, Line, PageText, Rect, Word};

/// Attributes from pairs of name and value.
pub fn attributes<const N: usize>(pairs: [(&str, &str); N]) -> Vec<(String, String)> {
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

impl Description {
    /// A deterministic engine without settings that names no languages.
    pub fn new(id: &str, version: &str) -> Self {
        Self {
            id: id.to_owned(),
            version: version.to_owned(),
            languages: Vec::new(),
            deterministic: true,
            settings_schema: r#"{"type":"object","additionalProperties":false}"#.to_owned(),
            attributes: Vec::new(),
        }
    }
}

impl PageText {
    /// Blocks without any confidence, with the attributes that say so
    /// (`confidence-kind` none, `finish-reason` stop). The host renders them.
    pub fn simple(blocks: Vec<Block>) -> Self {
        Self {
            blocks,
            html: None,
            language: None,
            confidence: None,
            attributes: attributes([("confidence-kind", "none"), ("finish-reason", "stop")]),
        }
    }
}

impl Block {
    /// A paragraph of these lines.
    pub fn paragraph(bounds: Option<Rect>, lines: Vec<Line>) -> Self {
        Self { role: "paragraph".to_owned(), bounds, lines, attributes: Vec::new() }
    }
}

impl Word {
    /// A word without a confidence.
    pub fn new(text: impl Into<String>, bounds: Option<Rect>) -> Self {
        Self { text: text.into(), bounds, confidence: None }
    }
}
