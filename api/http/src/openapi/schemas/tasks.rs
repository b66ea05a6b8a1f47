//! What users send and are sent.

use serde_json::{Value, json};
use untxt_workflows::documents::renderer::RenderOptions;
use untxt_workflows::task_input::TextLayer;

use super::super::operation::reference;
use super::shape::{
    STATUSES, count, format_name, list, may, object, open, or_null, sha256, text, time, uuid,
};

const WEBHOOK_STATUSES: [&str; 6] = ["waiting", "pending", "retrying", "delivered", "failed", "cancelled"];

const TEXT_LAYER: &str = "What is done with a PDF page's own text: `auto` takes it where it covers the page, \
                          `use` wherever there is any, `ignore` recognises every page without it, `engine` gives \
                          it to the engine. Default: `UNTXT_TEXT_LAYER`.";

/// What is to become of a document.
fn parameters() -> [(&'static str, Value); 7] {
    [
        ("priority", json!({ "type": ["integer", "null"], "minimum": 1, "maximum": 10 })),
        ("engine", or_null(&text())),
        ("formats", json!({ "type": ["array", "null"], "items": format_name() })),
        ("pages", or_null(&text())),
        ("onPageFailure", json!({ "type": ["string", "null"], "enum": ["fail", "partial", null] })),
        ("options", reference("Options")),
        ("webhook", webhook_url()),
    ]
}

pub(super) fn shapes() -> Vec<(&'static str, Value)> {
    // What `data` holds depends on the event.
    let line = object(&[("seq", count()), ("at", time()), ("event", text()), ("data", json!({}))]);
    let line = may(line, &[("step", or_null(&text()))]);
    vec![
        ("Status", json!({ "type": "string", "enum": STATUSES })),
        ("Progress", object(&[("pagesDone", count()), ("pagesTotal", count())])),
        (
            "Created",
            object(&[
                ("taskId", uuid()),
                ("fileId", uuid()),
                ("filename", text()),
                ("fileSize", or_null(&count())),
                ("mimeType", or_null(&text())),
                ("s3Key", text()),
                ("fileHash", or_null(&sha256())),
                ("status", reference("Status")),
                ("queuePosition", count()),
                ("createdAt", time()),
            ]),
        ),
        (
            "NewUpload",
            open(
                &[
                    ("userId", or_null(&uuid())),
                    ("filename", text()),
                    ("bytes", json!({ "type": "integer", "minimum": 1 })),
                    ("sha256", json!({ "type": ["string", "null"], "pattern": "^[0-9a-fA-F]{64}$" })),
                ],
                &["filename", "bytes"],
            ),
        ),
        (
            "Upload",
            object(&[
                ("uploadId", uuid()),
                ("method", json!({ "const": "PUT" })),
                ("url", json!({ "type": "string", "format": "uri" })),
                ("headers", json!({ "type": "object", "additionalProperties": text() })),
                ("expiresIn", count()),
            ]),
        ),
        ("TaskParameters", open(&parameters(), &[])),
        ("NewTaskFromUrl", {
            let document = [
                (
                    "url",
                    json!({ "type": "string", "format": "uri", "maxLength": 2048,
                    "description": "URL that the document is fetched from by the task's first step." }),
                ),
                ("userId", or_null(&uuid())),
                ("filename", or_null(&text())),
            ];
            open(&[&document[..], &parameters()].concat(), &["url"])
        }),
        (
            "Options",
            open(
                &[
                    (
                        "dpi",
                        json!({ "type": ["integer", "null"],
                        "minimum": RenderOptions::DPI.start(), "maximum": RenderOptions::DPI.end() }),
                    ),
                    ("color", json!({ "type": "boolean" })),
                    ("textLayer", text_layer()),
                    (
                        "languages",
                        json!({ "type": "array", "maxItems": 16, "items": { "type": "string", "maxLength": 35 } }),
                    ),
                    ("settings", json!({ "type": "object" })),
                    ("webhook", webhook_url()),
                ],
                &[],
            ),
        ),
        (
            "Webhook",
            open(
                &[
                    ("url", text()),
                    ("status", json!({ "type": "string", "enum": WEBHOOK_STATUSES })),
                    ("event", text()),
                    ("eventId", uuid()),
                    ("attempts", count()),
                    ("nextAttemptAt", or_null(&time())),
                    ("deliveredAt", or_null(&time())),
                    ("error", or_null(&object(&[("code", text()), ("message", text())]))),
                ],
                &["url", "status"],
            ),
        ),
        ("Engines", engines()),
        ("Task", object(&task())),
        (
            "TaskDetails",
            json!({
                "allOf": [
                    reference("Task"),
                    object(&[
                        ("failedPages", list(&object(&[("page", count()), ("code", text()), ("message", text())]))),
                        ("resultUrl", or_null(&text())),
                        ("webhook", nothing_or("Webhook")),
                    ]),
                ],
            }),
        ),
        ("TaskList", task_list()),
        ("BulkAction", bulk_action()),
        ("BulkResult", bulk_result()),
        (
            "Pagination",
            object(&[
                ("total", count()),
                ("limit", count()),
                ("offset", count()),
                ("hasMore", json!({ "type": "boolean" })),
            ]),
        ),
        (
            "TaskStatus",
            object(&[
                ("taskId", uuid()),
                ("status", reference("Status")),
                ("step", or_null(&text())),
                ("attempt", count()),
                ("progress", reference("Progress")),
                ("source", json!({ "type": "string", "enum": ["redis", "database"] })),
            ]),
        ),
        (
            "Result",
            object(&[
                ("taskId", uuid()),
                ("filename", text()),
                ("format", format_name()),
                ("contentType", text()),
                ("bytes", count()),
                ("sha256", sha256()),
                ("resultUrl", json!({ "type": "string", "format": "uri" })),
                ("expiresIn", count()),
            ]),
        ),
        ("GivenUp", object(&[("uploadId", uuid()), ("givenUp", json!({ "const": true }))])),
        ("Erased", object(&[("taskId", uuid()), ("erased", json!({ "const": true }))])),
        ("History", object(&[("taskId", uuid()), ("history", list(&line))])),
        (
            "TaskUpdate",
            object(&[
                ("type", json!({ "const": "task_update" })),
                (
                    "data",
                    object(&[
                        ("taskId", uuid()),
                        ("status", reference("Status")),
                        ("message", text()),
                        ("seq", count()),
                        ("step", or_null(&text())),
                        ("progress", reference("Progress")),
                    ]),
                ),
                ("timestamp", time()),
            ]),
        ),
        (
            "TaskErased",
            object(&[
                ("type", json!({ "const": "task_erased" })),
                ("data", object(&[("taskId", uuid())])),
                ("timestamp", time()),
            ]),
        ),
        (
            "SocketError",
            open(
                &[
                    ("type", json!({ "const": "error" })),
                    (
                        "data",
                        open(
                            &[("code", text()), ("message", text()), ("taskId", uuid())],
                            &["code", "message"],
                        ),
                    ),
                    ("timestamp", time()),
                ],
                &["type", "data", "timestamp"],
            ),
        ),
        (
            "ResumeMore",
            object(&[
                ("type", json!({ "const": "resume_more" })),
                ("data", object(&[("cursor", text()), ("message", text())])),
                ("timestamp", time()),
            ]),
        ),
    ]
}

/// Who is told how the task ended.
fn webhook_url() -> Value {
    json!({ "type": ["string", "null"], "maxLength": 2048 })
}

fn task_list() -> Value {
    let pagination = json!({
        "allOf": [
            reference("Pagination"),
            object(&[("next", or_null(&text())), ("totalIsLowerBound", json!({ "type": "boolean" }))]),
        ],
    });
    let counts: Vec<(&str, Value)> = STATUSES.iter().map(|status| (*status, count())).collect();
    let mut counts = object(&counts);
    counts["description"] = json!("Tasks of each status; 10,000 stands for 10,000 or more.");
    let fields = [("tasks", list(&reference("Task"))), ("pagination", pagination), ("asOf", time())];
    may(object(&fields), &[("counts", counts)])
}

fn bulk_action() -> Value {
    let statuses = json!({ "type": ["array", "null"], "items": reference("Status") });
    let tasks = json!({ "type": ["array", "null"], "maxItems": 200, "items": uuid() });
    let filter = open(
        &[("status", statuses), ("q", or_null(&text())), ("engine", or_null(&text())), ("tasks", tasks)],
        &[],
    );
    open(
        &[
            ("action", json!({ "type": "string", "enum": ["cancel", "retry", "erase"] })),
            ("filter", filter),
            ("userId", or_null(&uuid())),
            ("dryRun", json!({ "type": "boolean", "default": false })),
        ],
        &["action", "filter"],
    )
}

fn bulk_result() -> Value {
    let failure = object(&[("taskId", uuid()), ("code", text()), ("message", text())]);
    object(&[
        ("matched", count()),
        ("matchedIsLowerBound", json!({ "type": "boolean" })),
        ("done", count()),
        ("failed", list(&failure)),
        ("failedCount", count()),
        ("more", json!({ "type": "boolean" })),
    ])
}

fn engines() -> Value {
    let flag = || json!({ "type": "boolean" });
    let wants = object(&[
        ("dpi", or_null(&count())),
        ("side", or_null(&count())),
        ("color", flag()),
        ("upright", flag()),
    ]);
    let schema = json!({ "type": ["object", "null"], "description": "JSON Schema of `options.settings`." });
    let engine = object(&[
        ("name", text()),
        ("digest", sha256()),
        ("version", text()),
        ("description", or_null(&text())),
        ("languages", list(&text())),
        ("simulated", flag()),
        ("deterministic", flag()),
        ("settingsSchema", schema),
        ("wants", wants),
    ]);
    object(&[("default", text()), ("engines", list(&engine))])
}

fn nothing_or(schema: &str) -> Value {
    json!({ "anyOf": [reference(schema), { "type": "null" }] })
}

fn task() -> Vec<(&'static str, Value)> {
    vec![
        ("taskId", uuid()),
        ("fileId", uuid()),
        ("userId", uuid()),
        ("filename", text()),
        ("fileSize", or_null(&count())),
        ("mimeType", or_null(&text())),
        ("fileHash", or_null(&sha256())),
        ("taskType", or_null(&text())),
        ("priority", or_null(&count())),
        ("status", reference("Status")),
        ("step", or_null(&text())),
        ("attempt", count()),
        ("engine", text()),
        ("engineDigest", or_null(&sha256())),
        ("formats", list(&format_name())),
        ("pages", or_null(&text())),
        ("pagesTotal", or_null(&count())),
        ("progress", reference("Progress")),
        ("onPageFailure", json!({ "type": "string", "enum": ["fail", "partial"] })),
        ("result", nothing_or("TaskResult")),
        ("error", nothing_or("TaskError")),
        ("createdAt", or_null(&time())),
        ("startedAt", or_null(&time())),
        ("completedAt", or_null(&time())),
        ("updatedAt", or_null(&time())),
    ]
}

fn text_layer() -> Value {
    let modes = TextLayer::ALL.map(|mode| json!(mode.name()));
    let modes = [&modes[..], &[Value::Null]].concat();
    json!({ "type": ["string", "null"], "enum": modes, "description": TEXT_LAYER })
}
