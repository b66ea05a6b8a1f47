//! The server itself: its health, its sockets, its description.

use salvo::http::Method;
use serde_json::{Value, json};

use super::operation::{Operation, query};
use super::tasks::{WHOSE, user};
use crate::auth::caller::Scope;

const TAG: &str = "service";

pub(super) fn operations() -> Vec<Operation> {
    vec![
        health(),
        ready(),
        metrics(),
        socket("/", "openSocketAtRoot"),
        socket("/ws", "openSocket"),
        document(),
        reader(),
        file(),
        object(Method::GET, "getObject", "Fetch an object of the embedded store by its signed URL"),
        object(Method::PUT, "putObject", "Put an object into the embedded store by its signed URL"),
    ]
}

fn get(path: &'static str, id: &str, summary: &str) -> Operation {
    Operation::new(Method::GET, path, TAG, id, summary)
}

fn health() -> Operation {
    let example = json!({ "status": "healthy", "version": "0.1.0", "problems": [],
        "dependencies": { "database": "up", "objects": "up", "queue": "up", "disk": "up" } });
    let down = json!({ "status": "degraded", "version": "0.1.0", "problems": [],
        "dependencies": { "database": "down", "objects": "up", "queue": "up", "disk": "up" } });
    get("/health", "getHealth", "Whether the server and what it needs are well")
        .data(200, "Requests are taken.", "Health", &example)
        .data(503, "The database or the store is away.", "Health", &down)
}

fn ready() -> Operation {
    get("/ready", "getReadiness", "Whether work should be sent to the server")
        .data(200, "It should.", "Ready", &json!({ "status": "ready" }))
        .fails(&["NOT_READY"])
}

fn metrics() -> Operation {
    let content = json!({ "text/plain": { "schema": { "type": "string" } } });
    get("/metrics", "getMetrics", "What is counted and timed")
        .answers(200, "As Prometheus reads it.", Some(&content))
        .needs(Scope::Operate)
}

fn socket(path: &'static str, id: &str) -> Operation {
    let yes = json!({ "type": "string", "enum": ["true", "false"] });
    get(path, id, "What happens to a user's tasks, as it happens")
        .about(
            "A WebSocket. The server sends `connected`, `task_update` (`TaskUpdate`), `task_erased` (`TaskErased`), \
             `resume_more` (`ResumeMore`), `resumed`, `pong`, and `error` (`SocketError`) with the code \
             `MALFORMED_MESSAGE`, `TASK_NOT_FOUND`, `HISTORY_PRUNED` or `INVALID_FIELD`; the client may send `{\"type\":\"authenticate\",\"token\":…}` before anything else, `{\"type\":\"ping\"}`, `{\"type\":\"subscribe\",\"taskId\":…,\"afterSeq\":7}` and \
             `{\"type\":\"resume\",\"since\":…,\"seen\":{\"<taskId>\":7},\"cursor\":…}`.",
        )
        .parameter(user(WHOSE))
        .parameter(query("resume", "Nothing is told until the client has said `resume`.", &yes, &json!("true")))
        .answers(101, "The socket is open.", None)
        .needs(Scope::Read)
        .fails(&["INVALID_FIELD", "NOT_A_WEBSOCKET", "ORIGIN_NOT_ALLOWED", "TOO_MANY_CONNECTIONS"])
}

fn document() -> Operation {
    let content = json!({ "application/json": { "schema": { "type": "object" } } });
    get("/api/openapi.json", "getDescription", "This description").answers(
        200,
        "OpenAPI 3.1.",
        Some(&content),
    )
}

fn reader() -> Operation {
    let content = json!({ "text/html": { "schema": { "type": "string" } } });
    get("/docs", "readDescription", "This description, for people").answers(200, "A page.", Some(&content))
}

fn file() -> Operation {
    let schema = json!({ "type": "string", "enum": ["reader.js", "reader.css"] });
    let name =
        json!({ "name": "file", "in": "path", "required": true, "schema": schema, "example": "reader.js" });
    let text = json!({ "schema": { "type": "string" } });
    let content = json!({ "text/javascript": text, "text/css": text });
    get("/docs/{file}", "readDescriptionFile", "What the page needs")
        .parameter(name)
        .answers(200, "The file.", Some(&content))
        .fails(&["NOT_FOUND"])
}

fn object(method: Method, id: &str, summary: &str) -> Operation {
    let key = json!({ "name": "key", "in": "path", "required": true, "schema": { "type": "string" },
        "description": "Bucket and key, with slashes.", "example": "untxt/results" });
    Operation::new(method, "/objects/{key}", TAG, id, summary)
        .about("Only as `resultUrl`, or an upload's `url`, says; such a URL is good for one object and its time.")
        .parameter(key)
        .answers(200, "The object, or that it is stored.", Some(&json!({ "*/*": {} })))
        .fails(&["NOT_FOUND", "URL_NOT_SIGNED", "ORIGIN_NOT_ALLOWED", "RANGE_NOT_SATISFIABLE"])
        .fails(&["FILE_TOO_LARGE", "MALFORMED_BODY"])
}

/// What all answers share.
pub(super) fn headers() -> Value {
    let id = json!({ "type": "string", "pattern": "^[A-Za-z0-9._-]{1,72}$" });
    json!({
        "RequestId": { "description": "By which the request is found in the log: a UUID, or what a trusted proxy sent.", "schema": id },
        "Challenge": { "description": "What is to be presented.", "schema": { "type": "string" } },
        "RetryAfter": { "description": "Seconds after which to ask again.", "schema": { "type": "integer", "minimum": 1 } },
    })
}
