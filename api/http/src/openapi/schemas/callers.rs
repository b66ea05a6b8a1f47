//! Shapes of callers, API keys, tickets and sessions.

use serde_json::{Value, json};

use super::super::operation::reference;
use super::shape::{count, list, object, open, or_null, text, time, uuid};
use crate::auth::keys::LIFE_SECONDS_MAX;
use crate::auth::principal::Scope;

pub(super) fn shapes() -> Vec<(&'static str, Value)> {
    let (text, count) = (json!({ "type": "string" }), json!({ "type": "integer", "minimum": 0 }));
    let (uuid, time) =
        (json!({ "type": "string", "format": "uuid" }), json!({ "type": "string", "format": "date-time" }));
    let scopes =
        json!({ "type": "array", "items": { "type": "string", "enum": Scope::ALL.map(Scope::as_str) } });
    let key = [
        ("id", uuid.clone()),
        ("userId", uuid.clone()),
        ("name", text.clone()),
        ("scopes", scopes.clone()),
        ("state", json!({ "type": "string", "enum": ["active", "expired", "revoked"] })),
        ("createdAt", time.clone()),
        ("createdBy", text.clone()),
        ("expiresAt", or_null(&time)),
        ("lastUsedAt", or_null(&time)),
        ("revokedAt", or_null(&time)),
        ("revokedBy", or_null(&text)),
    ];
    let mut wanted_scopes = scopes;
    wanted_scopes["minItems"] = json!(1);
    let life = json!({ "type": ["integer", "null"], "minimum": 1, "maximum": LIFE_SECONDS_MAX });
    let wanted = [
        ("userId", or_null(&uuid)),
        ("name", json!({ "type": "string", "maxLength": 100 })),
        ("scopes", wanted_scopes),
        ("expiresIn", life),
    ];
    let keys = json!({ "type": "array", "items": reference("ApiKey") });
    let unreadable = json!({ "type": "array", "items": { "type": ["string", "null"], "format": "uuid",
        "description": "Id of a key whose row in the database can't be read, if that can be." } });
    vec![
        ("ApiKey", object(&key)),
        (
            "ApiKeys",
            object(&[("keys", keys), ("unreadable", unreadable), ("pagination", reference("Pagination"))]),
        ),
        ("MadeKey", json!({ "allOf": [reference("ApiKey"), object(&[("key", text.clone())])] })),
        ("NewKey", open(&wanted, &["scopes"])),
        ("Ticket", object(&[("ticket", text), ("expiresIn", count)])),
    ]
}

/// Shapes of callers and their sessions.
pub(super) fn sessions() -> Vec<(&'static str, Value)> {
    let flag = json!({ "type": "boolean" });
    let scope = json!({ "type": "string", "enum": Scope::ALL.map(Scope::as_str) });
    let authentication = json!({ "type": "string", "enum": ["off", "key", "token", "session", "ticket"] });
    let limits = object(&[
        ("uploadBytesMax", count()),
        ("pagesMax", count()),
        ("uploadsPerMinute", or_null(&count())),
        ("tasksActiveMax", or_null(&count())),
    ]);
    let me = [
        ("name", text()),
        ("userId", or_null(&uuid())),
        ("scopes", list(&scope)),
        ("authentication", authentication),
        ("expiresAt", or_null(&time())),
        ("limits", limits),
    ];
    let required = json!({ "type": "string", "enum": ["required", "off"] });
    let session = [
        ("id", uuid()),
        ("name", text()),
        ("createdAt", time()),
        ("lastSeenAt", time()),
        ("expiresAt", time()),
        ("current", flag.clone()),
    ];
    vec![
        ("Me", object(&me)),
        ("SignIn", object(&[("authentication", required), ("key", flag.clone()), ("provider", flag)])),
        ("NewSession", open(&[("key", text())], &["key"])),
        ("Sessions", object(&[("sessions", list(&object(&session)))])),
    ]
}
