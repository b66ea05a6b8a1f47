//! The shapes that go in and out.

mod callers;
mod document;
mod operators;
mod pages;
mod shape;
mod tasks;

use serde_json::{Map, Value, json};

pub(super) use self::shape::format_name;
use self::shape::{list, object, text};

/// All schemas, by name.
pub(super) fn all() -> Value {
    let mut schemas = Map::new();
    let shapes = service()
        .into_iter()
        .chain(tasks::shapes())
        .chain(document::shapes())
        .chain(pages::shapes())
        .chain(operators::shapes())
        .chain(callers::shapes())
        .chain(callers::sessions());
    schemas.extend(shapes.map(|(name, schema)| (name.to_owned(), schema)));
    Value::Object(schemas)
}

fn service() -> Vec<(&'static str, Value)> {
    let up = json!({ "type": "string", "enum": ["up", "down"] });
    vec![
        ("Failure", failure()),
        ("Ready", object(&[("status", json!({ "const": "ready" }))])),
        (
            "Health",
            object(&[
                ("status", json!({ "type": "string", "enum": ["healthy", "degraded"] })),
                ("version", text()),
                ("dependencies", json!({ "type": "object", "additionalProperties": up })),
                ("problems", list(&json!({ "type": "object" }))),
            ]),
        ),
    ]
}

fn failure() -> Value {
    let error = object(&[("code", text()), ("message", text()), ("details", json!({ "type": "object" }))]);
    object(&[("success", json!({ "const": false })), ("error", error)])
}
