//! A result in JSON, and what a task tells of its result.

use serde_json::{Value, json};

use super::super::operation::reference;
use super::shape::{count, format_name, list, may, object, or_null, sha256, text};

const CONFIDENCE_KINDS: [&str; 4] = ["calibrated", "logprob", "uncalibrated", "none"];

pub(super) fn shapes() -> Vec<(&'static str, Value)> {
    let format = format_name();
    let failed_format = object(&[("format", format), ("code", text()), ("message", text())]);
    let warning = object(&[("page", count()), ("message", text())]);
    let warnings = json!({ "type": "array", "maxItems": 50, "items": warning,
        "description": "Parts of recognised pages that could not be read; the first 50." });
    let warning_count = json!({ "type": "integer", "minimum": 0,
        "description": "Number of warnings. Each is also part of its page in every format of the result." });
    vec![
        (
            "TaskResult",
            object(&[
                ("textLength", count()),
                ("confidence", or_null(&share())),
                ("confidenceKind", confidence_kind()),
                ("pages", count()),
                ("failedPages", list(&count())),
                ("failedFormats", list(&failed_format)),
                ("warnings", warnings),
                ("warningCount", warning_count),
                ("simulated", flag()),
            ]),
        ),
        ("TaskError", object(&[("code", text()), ("message", or_null(&text()))])),
        ("ResultDocument", document()),
        ("ResultPage", page()),
        ("Place", object(&[("x", number()), ("y", number()), ("width", number()), ("height", number())])),
        ("Corners", corners()),
        ("Line", line()),
        ("Table", table()),
    ]
}

fn document() -> Value {
    let engine = object(&[("name", text()), ("digest", sha256()), ("simulated", flag())]);
    let fields = object(&[
        ("filename", text()),
        ("textLength", count()),
        ("confidence", or_null(&share())),
        ("confidenceKind", confidence_kind()),
        ("version", count()),
        ("engine", engine),
        ("pages", list(&reference("ResultPage"))),
    ]);
    may(fields, &[("language", text())])
}

fn page() -> Value {
    let fields = object(&[("role", text()), ("lines", list(&reference("Line")))]);
    let block = may(fields, &[&place()[..], &[("table", reference("Table"))]].concat());
    let fields = object(&[
        ("index", count()),
        ("width", count()),
        ("height", count()),
        ("dpi", count()),
        ("status", json!({ "type": "string", "enum": ["recognized", "failed"] })),
        ("source", source()),
        ("confidenceKind", confidence_kind()),
        ("simulated", flag()),
        ("attempts", count()),
        ("fallback", flag()),
        ("blocks", list(&block)),
    ]);
    let mut warnings = list(&text());
    warnings["description"] = json!("What of the page could not be drawn, and so not be read.");
    may(
        fields,
        &[
            ("code", text()),
            ("message", text()),
            ("confidence", share()),
            ("finishReason", text()),
            ("language", text()),
            ("html", text()),
            ("warnings", warnings),
        ],
    )
}

fn line() -> Value {
    let mut alternatives = list(&may(object(&[("text", text())]), &[("confidence", share())]));
    alternatives["description"] = json!("Other readings, the likeliest first.");
    let own = [("confidence", share()), ("alternatives", alternatives)];
    let word = may(object(&[("text", text())]), &[&place()[..], &own].concat());
    may(object(&[("words", list(&word))]), &place())
}

/// Where a block, a line or a word stands.
fn place() -> [(&'static str, Value); 2] {
    [("bounds", reference("Place")), ("corners", reference("Corners"))]
}

fn corners() -> Value {
    let point = json!({ "type": "array", "minItems": 2, "maxItems": 2, "items": share() });
    json!({ "type": "array", "minItems": 4, "maxItems": 4, "items": point,
        "description": "Corners of turned text as it is read, clockwise from its upper left: x and y of each." })
}

fn table() -> Value {
    let mut lines = list(&count());
    lines["description"] = json!("Places in the block's `lines`, from 0, of those in the cell.");
    let cell = object(&[
        ("row", count()),
        ("column", count()),
        ("rowSpan", count()),
        ("columnSpan", count()),
        ("header", flag()),
        ("lines", lines),
    ]);
    let cell = may(cell, &[("bounds", reference("Place"))]);
    object(&[("rows", count()), ("columns", count()), ("cells", list(&cell))])
}

pub(super) fn source() -> Value {
    json!({ "type": "string", "enum": ["engine", "text-layer"],
        "description": "Where the text comes from: the engine, or the file's own text layer." })
}

pub(super) fn confidence_kind() -> Value {
    json!({ "type": "string", "enum": CONFIDENCE_KINDS })
}

pub(super) fn share() -> Value {
    json!({ "type": "number", "minimum": 0, "maximum": 1 })
}

fn number() -> Value {
    json!({ "type": "number" })
}

fn flag() -> Value {
    json!({ "type": "boolean" })
}
