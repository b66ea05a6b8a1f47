//! What operators send and are sent.

use serde_json::{Value, json};

use super::super::operation::reference;
use super::shape::{count, list, may, object, open, or_null, positive, sha256, text, time, uuid};

pub(super) fn shapes() -> Vec<(&'static str, Value)> {
    let slot = [("workflow", text()), ("run", uuid()), ("item", or_null(&count())), ("attempt", count())];
    let retry = [slot.as_slice(), &[("tenant", text()), ("dueAt", time())]].concat();
    vec![
        (
            "Workers",
            object(&[(
                "workers",
                list(&object(&[
                    ("name", text()),
                    (
                        "state",
                        json!({ "type": "string", "enum": ["alive", "draining", "silent", "gone", "unreadable"] }),
                    ),
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
        (
            "Plugins",
            object(&[(
                "plugins",
                list(&object(&[
                    ("name", text()),
                    ("digest", or_null(&sha256())),
                    ("version", or_null(&text())),
                    ("builtIn", json!({ "type": "boolean" })),
                    ("error", or_null(&text())),
                    (
                        "versions",
                        list(&object(&[
                            ("digest", sha256()),
                            ("active", json!({ "type": "boolean" })),
                            ("quarantined", or_null(&text())),
                            ("signed", or_null(&object(&[("key", text()), ("comment", text())]))),
                        ])),
                    ),
                ])),
            )]),
        ),
        (
            "PluginVersion",
            open(&[("digest", json!({ "type": "string" })), ("reason", or_null(&text()))], &["digest"]),
        ),
        ("DeadLetter", object(&letter())),
        ("DeadLetterDetails", json!({ "allOf": [reference("DeadLetter"), letter_details()] })),
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
                ("action", action()),
                ("filter", json!({ "type": "object" })),
                ("rate", json!({ "type": ["number", "null"] })),
                ("total", count()),
                ("settled", count()),
                ("waiting", count()),
                ("passedOver", or_null(&count())),
                ("error", json!({ "type": ["object", "null"] })),
                ("by", text()),
                ("reason", or_null(&text())),
                ("createdAt", time()),
                ("finishedAt", or_null(&time())),
            ]),
        ),
        (
            "Groups",
            object(&[
                ("dryRun", json!({ "const": true })),
                ("total", count()),
                ("asOf", time()),
                ("groups", list(&reference("DeadLetterGroup"))),
            ]),
        ),
        (
            "DeadLetterGroup",
            object(&[
                ("workflow", text()),
                ("code", text()),
                ("message", text()),
                ("step", text()),
                ("fingerprint", text()),
                ("digest", or_null(&text())),
                ("count", count()),
                ("tenants", count()),
                ("firstAt", time()),
                ("lastAt", time()),
            ]),
        ),
        (
            "DeadLetterGroups",
            object(&[
                ("groups", list(&reference("DeadLetterGroup"))),
                ("hasMore", json!({ "type": "boolean" })),
            ]),
        ),
        (
            "Redrives",
            object(&[("redrives", list(&reference("Redrive"))), ("pagination", reference("Pagination"))]),
        ),
        (
            "WhichRetry",
            open(&[("run", uuid()), ("item", or_null(&count())), ("reason", or_null(&text()))], &["run"]),
        ),
        (
            "RetryChanged",
            object(&[("run", uuid()), ("item", or_null(&count())), ("status", reference("Status"))]),
        ),
        (
            "RedriveRate",
            open(&[("rate", json!({ "type": ["number", "null"] })), ("reason", or_null(&text()))], &["rate"]),
        ),
        (
            "RedriveResume",
            open(&[("rate", json!({ "type": ["number", "null"] })), ("reason", or_null(&text()))], &[]),
        ),
        ("Overview", overview()),
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
                    ("detail", json!({ "type": ["object", "null"] })),
                ])),
            )]),
        ),
    ]
}

/// What a bulk run does with each dead letter.
fn action() -> Value {
    let options = object(&[("onlyFailedPages", json!({ "type": "boolean" }))]);
    let options = may(options, &[("fromStep", text()), ("engine", text())]);
    json!({ "anyOf": [{ "const": "discard" }, object(&[("redrive", options)])] })
}

/// What is told of one letter beside what a list tells.
fn letter_details() -> Value {
    let attempt = object(&[
        ("attempt", count()),
        ("worker", text()),
        ("startedAt", time()),
        ("endedAt", or_null(&time())),
        (
            "end",
            json!({ "type": "string", "enum": ["running", "succeeded", "failed", "lost", "handed-back"] }),
        ),
        ("error", json!({ "type": ["object", "null"] })),
    ]);
    object(&[
        ("chain", list(&text())),
        ("logs", list(&text())),
        ("history", list(&attempt)),
        ("taskStatus", json!({ "anyOf": [reference("Status"), { "type": "null" }] })),
        ("payload", json!({ "description": "What the task was begun with." })),
        ("raw", json!({ "description": "A row that could not be read, as it was." })),
    ])
}

fn letter() -> Vec<(&'static str, Value)> {
    vec![
        ("id", uuid()),
        ("taskId", uuid()),
        ("workflow", text()),
        ("tenant", text()),
        ("step", text()),
        ("item", or_null(&count())),
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

fn overview() -> Value {
    let level = json!({ "type": "string", "enum": ["well", "attention", "down"] });
    let reason = object(&[("code", text()), ("text", text()), ("link", text())]);
    let queues =
        [("ready", count()), ("scheduled", count()), ("held", count()), ("oldestAgeMs", or_null(&count()))];
    let up = json!({ "type": "string", "enum": ["up", "down"] });
    let minute = object(&[("at", time()), ("done", count()), ("failed", count())]);
    object(&[
        ("asOf", time()),
        ("sentence", object(&[("level", level), ("reasons", list(&reason))])),
        ("perMinute", list(&minute)),
        ("queues", object(&queues)),
        ("workers", object(&[("alive", count()), ("draining", count()), ("silent", count())])),
        ("retriesWaiting", count()),
        ("deadLetters", object(&[("waiting", count()), ("groups", list(&reference("DeadLetterGroup")))])),
        ("dependencies", json!({ "type": "object", "additionalProperties": up })),
        ("latestActs", list(&json!({ "type": "object" }))),
    ])
}
