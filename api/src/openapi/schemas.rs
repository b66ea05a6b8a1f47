//! The shapes that go in and out.

use serde_json::{Map, Value, json};

use super::callers;
use super::operation::reference;

/// All schemas, by name.
pub(super) fn all() -> Value {
    let mut schemas = Map::new();
    let shapes = tasks().into_iter().chain(operators()).chain(service()).chain(callers::schemas());
    schemas.extend(shapes.map(|(name, schema)| (name.to_owned(), schema)));
    Value::Object(schemas)
}

fn tasks() -> Vec<(&'static str, Value)> {
    vec![
        ("Failure", failure()),
        ("Status", json!({ "type": "string", "enum": STATUSES })),
        ("Progress", object(&[("pagesDone", count()), ("pagesTotal", count())])),
        (
            "Created",
            object(&[
                ("taskId", uuid()),
                ("fileId", uuid()),
                ("filename", text()),
                ("fileSize", count()),
                ("mimeType", text()),
                ("s3Key", text()),
                ("fileHash", sha256()),
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
        (
            "Wishes",
            open(
                &[
                    ("priority", json!({ "type": ["integer", "null"], "minimum": 1, "maximum": 10 })),
                    ("engine", or_null(&text())),
                    (
                        "formats",
                        json!({ "type": ["array", "null"], "items": { "type": "string", "enum": FORMATS } }),
                    ),
                    ("pages", or_null(&text())),
                    (
                        "onPageFailure",
                        json!({ "type": ["string", "null"], "enum": ["fail", "partial", null] }),
                    ),
                    ("options", reference("Options")),
                    ("webhook", webhook_url()),
                ],
                &[],
            ),
        ),
        (
            "Options",
            open(
                &[
                    ("dpi", json!({ "type": ["integer", "null"], "minimum": 36, "maximum": 600 })),
                    ("color", json!({ "type": "boolean" })),
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
        ("Task", object(&task())),
        (
            "TaskDetails",
            json!({
                "allOf": [
                    reference("Task"),
                    object(&[
                        ("progress", reference("Progress")),
                        ("failedPages", list(&object(&[("page", count()), ("code", text()), ("message", text())]))),
                        ("resultUrl", or_null(&text())),
                        ("webhook", or_null(&reference("Webhook"))),
                    ]),
                ],
            }),
        ),
        ("TaskList", object(&[("tasks", list(&reference("Task"))), ("pagination", reference("Pagination"))])),
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
                ("format", json!({ "type": "string", "enum": FORMATS })),
                ("contentType", text()),
                ("bytes", count()),
                ("sha256", sha256()),
                ("resultUrl", json!({ "type": "string", "format": "uri" })),
                ("expiresIn", count()),
            ]),
        ),
        ("Erased", object(&[("taskId", uuid()), ("erased", json!({ "const": true }))])),
        (
            "History",
            object(&[
                ("taskId", uuid()),
                ("history", list(&object(&[("seq", count()), ("at", time()), ("event", text())]))),
            ]),
        ),
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
    ]
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
        ("formats", list(&json!({ "type": "string", "enum": FORMATS }))),
        ("pages", or_null(&text())),
        ("pagesTotal", or_null(&count())),
        ("onPageFailure", json!({ "type": "string", "enum": ["fail", "partial"] })),
        ("result", json!({ "type": ["object", "null"] })),
        ("error", json!({ "type": ["object", "null"] })),
        ("createdAt", or_null(&time())),
        ("startedAt", or_null(&time())),
        ("completedAt", or_null(&time())),
        ("updatedAt", or_null(&time())),
    ]
}

fn operators() -> Vec<(&'static str, Value)> {
    let slot = [("workflow", text()), ("run", uuid()), ("item", or_null(&count())), ("attempt", count())];
    let retry = [slot.as_slice(), &[("tenant", text()), ("dueAt", time())]].concat();
    vec![
        (
            "Workers",
            object(&[(
                "workers",
                list(&object(&[
                    ("name", text()),
                    ("state", json!({ "type": "string", "enum": ["alive", "silent", "gone"] })),
                    ("since", or_null(&time())),
                    ("lastHeartbeat", or_null(&time())),
                    ("holds", list(&object(&slot))),
                ])),
            )]),
        ),
        ("Retries", object(&[("retries", list(&object(&retry))), ("pagination", reference("Pagination"))])),
        (
            "Queues",
            object(&[
                (
                    "queues",
                    list(&object(&[
                        ("name", text()),
                        ("ready", count()),
                        ("scheduled", count()),
                        ("held", count()),
                        ("paused", json!({ "type": "boolean" })),
                    ])),
                ),
                ("tenants", list(&object(&[("tenant", text()), ("weight", count())]))),
            ]),
        ),
        ("QueueName", open(&[("queue", or_null(&text())), ("tenant", or_null(&text()))], &[])),
        (
            "Share",
            open(
                &[
                    ("tenant", json!({ "type": "string", "minLength": 1, "maxLength": 64 })),
                    ("weight", or_null(&positive())),
                    ("concurrency", or_null(&positive())),
                    ("ratePerMinute", or_null(&positive())),
                ],
                &["tenant"],
            ),
        ),
        ("DeadLetter", object(&letter())),
        (
            "DeadLetters",
            object(&[
                ("deadLetters", list(&reference("DeadLetter"))),
                ("pagination", reference("Pagination")),
            ]),
        ),
        ("Reason", open(&[("reason", or_null(&text()))], &[])),
        (
            "RedriveOne",
            open(
                &[
                    ("fromStep", or_null(&text())),
                    ("engine", or_null(&text())),
                    ("onlyFailedPages", json!({ "type": "boolean" })),
                    ("reason", or_null(&text())),
                ],
                &[],
            ),
        ),
        (
            "RedriveMany",
            open(
                &[
                    ("filter", json!({ "type": "object", "additionalProperties": { "type": "string" } })),
                    ("all", json!({ "type": "boolean" })),
                    ("dryRun", json!({ "type": "boolean" })),
                    ("rate", json!({ "type": ["number", "null"] })),
                    ("fromStep", or_null(&text())),
                    ("engine", or_null(&text())),
                    ("onlyFailedPages", json!({ "type": "boolean" })),
                    ("reason", or_null(&text())),
                ],
                &[],
            ),
        ),
        (
            "Redrive",
            object(&[
                ("id", uuid()),
                ("status", reference("Status")),
                ("total", count()),
                ("settled", count()),
                ("waiting", count()),
            ]),
        ),
        (
            "Groups",
            object(&[
                ("dryRun", json!({ "const": true })),
                ("total", count()),
                ("groups", list(&json!({ "type": "object" }))),
            ]),
        ),
        (
            "Audit",
            object(&[(
                "audit",
                list(&object(&[
                    ("position", count()),
                    ("at", time()),
                    ("actor", text()),
                    ("action", text()),
                    ("subject", text()),
                ])),
            )]),
        ),
    ]
}

fn letter() -> Vec<(&'static str, Value)> {
    vec![
        ("id", uuid()),
        ("taskId", uuid()),
        ("workflow", text()),
        ("tenant", text()),
        ("step", text()),
        ("page", or_null(&count())),
        ("code", text()),
        ("message", text()),
        ("reason", json!({ "type": "object" })),
        ("attempts", count()),
        ("digest", or_null(&text())),
        ("fingerprint", text()),
        ("state", json!({ "type": "string", "enum": ["waiting", "redriven", "discarded"] })),
        ("settled", json!({ "type": ["object", "null"] })),
        ("at", time()),
    ]
}

fn service() -> Vec<(&'static str, Value)> {
    let up = json!({ "type": "string", "enum": ["up", "down"] });
    vec![
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

/// Who is told how the task ended.
fn webhook_url() -> Value {
    json!({ "type": ["string", "null"], "maxLength": 2048 })
}

fn failure() -> Value {
    let error = object(&[("code", text()), ("message", text()), ("details", json!({ "type": "object" }))]);
    object(&[("success", json!({ "const": false })), ("error", error)])
}

const STATUSES: [&str; 7] =
    ["queued", "processing", "retrying", "completed", "partial", "failed", "cancelled"];
const WEBHOOK_STATUSES: [&str; 6] = ["waiting", "pending", "retrying", "delivered", "failed", "cancelled"];
const FORMATS: [&str; 5] = ["html", "txt", "md", "json", "hocr"];

/// An answer: each field is there, and others may come.
pub(super) fn object(fields: &[(&str, Value)]) -> Value {
    let names: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
    let properties: Map<String, Value> =
        fields.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    json!({ "type": "object", "required": names, "properties": properties })
}

/// A body: nothing but these fields.
pub(super) fn open(fields: &[(&str, Value)], required: &[&str]) -> Value {
    let mut schema = object(fields);
    schema["required"] = json!(required);
    schema["additionalProperties"] = json!(false);
    schema
}

fn list(of: &Value) -> Value {
    json!({ "type": "array", "items": of })
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn uuid() -> Value {
    json!({ "type": "string", "format": "uuid" })
}

fn sha256() -> Value {
    json!({ "type": "string", "pattern": "^[0-9a-f]{64}$" })
}

fn time() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

fn count() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

fn positive() -> Value {
    json!({ "type": "integer", "minimum": 1, "maximum": 4_294_967_295_u64 })
}

pub(super) fn or_null(schema: &Value) -> Value {
    let mut schema = schema.clone();
    schema["type"] = json!([schema["type"], "null"]);
    schema
}
