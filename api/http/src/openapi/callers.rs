//! Authentication: API keys, tickets and security schemes.

use salvo::http::Method;
use serde_json::{Value, json};

use super::operation::{Operation, in_path, query, reference};
use super::schemas::{object, open, or_null};
use super::tasks::{AT, TASK, USER, limit, number, pagination, user};
use crate::auth::caller::Scope;
use crate::auth::keys::LIFE_SECONDS_MAX;

const TAG: &str = "callers";

/// Operations of administrators.
pub(super) fn keys() -> Vec<Operation> {
    vec![list(), create(), revoke()]
}

fn at(method: Method, path: &'static str, id: &str, summary: &str) -> Operation {
    Operation::new(method, path, TAG, id, summary).fails(&["ORIGIN_NOT_ALLOWED", "INVALID_FIELD"])
}

fn list() -> Operation {
    at(Method::GET, "/api/admin/keys", "listKeys", "List API keys, newest first")
        .parameter(user("Only keys of this user."))
        .parameter(query("limit", "Maximum number of items.", &limit(200), &json!(50)))
        .parameter(query("offset", "Number of items to skip.", &number(0), &json!(0)))
        .data(
            200,
            "The keys.",
            "ApiKeys",
            &json!({ "keys": [key()], "unreadable": [], "pagination": pagination() }),
        )
}

fn create() -> Operation {
    let wanted = json!({ "name": "the scanner", "scopes": ["submit", "read"], "expiresIn": 7_776_000 });
    let mut made = key();
    made["key"] = json!("untxt_…");
    at(Method::POST, "/api/admin/keys", "createKey", "Create an API key")
        .about("`key` is the secret to present; it is returned only here. `userId` defaults to the caller.")
        .json("NewKey", &wanted)
        .data(201, "The key.", "MadeKey", &made)
        .fails(&["MALFORMED_BODY", "NOT_JSON", "PAYLOAD_TOO_LARGE"])
}

fn revoke() -> Operation {
    at(Method::POST, "/api/admin/keys/{id}/revoke", "revokeKey", "Revoke an API key")
        .parameter(in_path("id", "The key.", TASK))
        .data(200, "The revoked key.", "ApiKey", &key())
        .fails(&["KEY_NOT_FOUND", "NOT_JSON"])
}

/// A single-use credential for clients that can't set headers.
pub(super) fn ticket() -> Operation {
    let ticket = json!({ "ticket": "9f86d081884c7d659a2feaa0…", "expiresIn": 30 });
    Operation::new(Method::POST, "/api/tickets", TAG, "createTicket", "Create a single-use ticket")
        .about("For clients that can't set headers, such as a browser's WebSocket or EventSource: `?ticket=` authenticates one of them, or one GET.")
        .data(201, "The ticket.", "Ticket", &ticket)
        .fails(&["ORIGIN_NOT_ALLOWED"])
}

fn key() -> Value {
    json!({
        "id": TASK, "userId": USER, "name": "the scanner", "scopes": ["submit", "read"], "state": "active",
        "createdAt": AT, "createdBy": "cli:ann", "expiresAt": AT, "lastUsedAt": null, "revokedAt": null,
        "revokedBy": null,
    })
}

pub(super) fn schemas() -> Vec<(&'static str, Value)> {
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

/// Security schemes, enforced unless `UNTXT_AUTH=off`.
pub(super) fn schemes() -> Value {
    json!({
        "bearer": { "type": "http", "scheme": "bearer", "description": "An API key, or an access \
            token of the configured OpenID Connect provider. Roles are the required scopes." },
        "apiKey": { "type": "apiKey", "in": "header", "name": "x-api-key" },
    })
}
