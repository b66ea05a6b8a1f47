//! Who may call: keys, tickets, and how callers say who they are.

use salvo::http::Method;
use serde_json::{Value, json};

use super::operation::{Operation, in_path, query, reference};
use super::schemas::{object, open, or_null};
use super::tasks::{AT, TASK, USER, limit, number, pagination, user};
use crate::auth::caller::Scope;
use crate::auth::keys::LIFE_SECONDS_MAX;

const TAG: &str = "callers";

/// What only those do who say who may call.
pub(super) fn keys() -> Vec<Operation> {
    vec![list(), create(), revoke()]
}

fn at(method: Method, path: &'static str, id: &str, summary: &str) -> Operation {
    Operation::new(method, path, TAG, id, summary).fails(&["ORIGIN_NOT_ALLOWED", "INVALID_FIELD"])
}

fn list() -> Operation {
    at(Method::GET, "/api/admin/keys", "listKeys", "API keys, newest first")
        .parameter(user("Only this user's."))
        .parameter(query("limit", "How many.", &limit(200), &json!(50)))
        .parameter(query("offset", "How many are left out.", &number(0), &json!(0)))
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
    at(Method::POST, "/api/admin/keys", "createKey", "Make an API key")
        .about("`key` is what its owner presents; it is told this once. Without `userId` it is the caller's.")
        .json("NewKey", &wanted)
        .data(201, "The key.", "MadeKey", &made)
        .fails(&["MALFORMED_BODY", "NOT_JSON", "PAYLOAD_TOO_LARGE"])
}

fn revoke() -> Operation {
    at(Method::POST, "/api/admin/keys/{id}/revoke", "revokeKey", "Have a key let nobody in any more")
        .parameter(in_path("id", "The key.", TASK))
        .data(200, "The key as it is then.", "ApiKey", &key())
        .fails(&["KEY_NOT_FOUND", "NOT_JSON"])
}

/// Something to be let in with once.
pub(super) fn ticket() -> Operation {
    let ticket = json!({ "ticket": "9f86d081884c7d659a2feaa0…", "expiresIn": 30 });
    Operation::new(Method::POST, "/api/tickets", TAG, "createTicket", "Be let in once without a header")
        .about("For browsers' WebSockets and streams: `?ticket=` opens one of them, or is good for one GET.")
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

/// How callers say who they are. That is asked only where `UNTXT_AUTH` says so.
pub(super) fn schemes() -> Value {
    json!({
        "bearer": { "type": "http", "scheme": "bearer", "description": "An API key, or a token of \
            the provider that the server was told; the roles are the scopes that a caller needs." },
        "apiKey": { "type": "apiKey", "in": "header", "name": "x-api-key" },
    })
}
