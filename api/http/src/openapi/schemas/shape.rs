//! The words that shapes are made of.

use serde_json::{Map, Value, json};
use untxt_workflows::documents::formats::Format;

pub(super) const STATUSES: [&str; 7] =
    ["queued", "processing", "retrying", "completed", "partial", "failed", "cancelled"];

/// An answer: each field is there, and others may come.
pub(super) fn object(fields: &[(&str, Value)]) -> Value {
    let names: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
    let properties: Map<String, Value> =
        fields.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    json!({ "type": "object", "required": names, "properties": properties })
}

/// The same, with fields that an answer has where there is something to say.
pub(super) fn may(mut answer: Value, fields: &[(&str, Value)]) -> Value {
    if let Some(properties) = answer["properties"].as_object_mut() {
        properties.extend(fields.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())));
    }
    answer
}

/// A body: nothing but these fields.
pub(super) fn open(fields: &[(&str, Value)], required: &[&str]) -> Value {
    let mut schema = object(fields);
    schema["required"] = json!(required);
    schema["additionalProperties"] = json!(false);
    schema
}

pub(super) fn list(of: &Value) -> Value {
    json!({ "type": "array", "items": of })
}

pub(super) fn text() -> Value {
    json!({ "type": "string" })
}

/// The name of a result format.
pub(in crate::openapi) fn format_name() -> Value {
    json!({ "type": "string", "enum": Format::ALL.map(Format::name) })
}

pub(super) fn uuid() -> Value {
    json!({ "type": "string", "format": "uuid" })
}

pub(super) fn sha256() -> Value {
    json!({ "type": "string", "pattern": "^[0-9a-f]{64}$" })
}

pub(super) fn time() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

pub(super) fn count() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

pub(super) fn positive() -> Value {
    json!({ "type": "integer", "minimum": 1, "maximum": 4_294_967_295_u64 })
}

pub(super) fn or_null(schema: &Value) -> Value {
    let mut schema = schema.clone();
    schema["type"] = json!([schema["type"], "null"]);
    schema
}

#[cfg(test)]
mod tests {
    use untxt_workflows::documents::kind::Kind;

    use super::*;

    #[test]
    fn the_guide_names_every_format_and_document_type() {
        let guide = include_str!("../../../../guides/http.md");
        let formats = Format::join(&Format::ALL);
        assert!(
            guide.contains(&format!("any of `{formats}`")),
            "the guide lists other formats than {formats}"
        );
        let kinds = Kind::list("and");
        assert!(
            guide.contains(&format!("{kinds}, detected by content")),
            "the guide lists other types than {kinds}"
        );
    }
}
