//! Authentication: API keys, tickets and security schemes.

use salvo::http::Method;
use serde_json::{Value, json};

use super::operation::{Operation, in_path, query};
use super::tasks::{AT, TASK, USER, limit, number, pagination, user};

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

/// Security schemes, enforced unless `UNTXT_AUTH=off`.
pub(super) fn schemes() -> Value {
    json!({
        "bearer": { "type": "http", "scheme": "bearer", "description": "An API key, or an access \
            token of the configured OpenID Connect provider. Roles are the required scopes." },
        "apiKey": { "type": "apiKey", "in": "header", "name": "x-api-key" },
        "session": { "type": "apiKey", "in": "cookie", "name": "__Host-untxt", "description": "A browser that \
            signed in. It counts for this server's own pages only." },
        "localSession": { "type": "apiKey", "in": "cookie", "name": "untxt", "description": "The same over HTTP \
            on the server's own machine." },
    })
}
