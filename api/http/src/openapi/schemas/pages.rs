//! What is told of the pages of a task.

use serde_json::{Value, json};
use untxt_workflows::page_queries::PageProgress;

use super::super::operation::reference;
use super::document::{confidence_kind, share, source};
use super::shape::{count, list, object, or_null, text};

pub(super) fn shapes() -> Vec<(&'static str, Value)> {
    let number = json!({ "type": "integer", "minimum": 1 });
    vec![
        (
            "TaskPages",
            object(&[
                ("pages", list(&reference("TaskPage"))),
                ("pagesTotal", count()),
                ("next", or_null(&number)),
            ]),
        ),
        ("TaskPage", page(&number)),
        (
            "SearchMatches",
            object(&[
                ("matches", list(&reference("SearchMatch"))),
                ("pagesSearched", count()),
                ("next", or_null(&text())),
                ("more", json!({ "type": "boolean" })),
            ]),
        ),
        (
            "SearchMatch",
            object(&[
                ("page", number),
                ("block", count()),
                ("line", count()),
                ("first", count()),
                ("last", count()),
                ("text", text()),
                ("box", json!({ "anyOf": [reference("Place"), { "type": "null" }] })),
            ]),
        ),
    ]
}

fn page(number: &Value) -> Value {
    let statuses = PageProgress::ALL.map(PageProgress::as_str);
    let error = json!({ "anyOf": [reference("TaskError"), { "type": "null" }],
        "description": "The page's last failure, until it is done." });
    let source = json!({ "anyOf": [source(), { "type": "null" }] });
    let kind = json!({ "anyOf": [confidence_kind(), { "type": "null" }] });
    let mut words = or_null(&count());
    words["description"] = json!("Number of words; null unless `words` was asked for.");
    let mut doubtful = or_null(&count());
    doubtful["description"] = json!("Words with a confidence below 0.6; null unless `words` was asked for.");
    object(&[
        ("page", number.clone()),
        ("status", json!({ "type": "string", "enum": statuses })),
        ("attempt", count()),
        ("source", source),
        ("confidence", or_null(&share())),
        ("confidenceKind", kind),
        ("words", words),
        ("doubtfulWords", doubtful),
        ("width", or_null(&count())),
        ("height", or_null(&count())),
        ("error", error),
    ])
}
