//! Health checks, metrics, sockets, the API description and the embedded store.

use salvo::http::Method;
use serde_json::{Value, json};

use super::operation::{Operation, in_path, query};
use super::tasks::{WHOSE, user};
use crate::auth::principal::Scope;

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
        console(),
        console_file(),
        object(Method::GET, "getObject", "Download an object by its presigned URL"),
        object(Method::PUT, "putObject", "Upload an object by its presigned URL"),
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
    get("/health", "getHealth", "Get the health of the server and its dependencies")
        .data(200, "The server accepts requests.", "Health", &example)
        .data(503, "The database or the store is unavailable.", "Health", &down)
}

fn ready() -> Operation {
    get("/ready", "getReadiness", "Check whether the server accepts work")
        .data(200, "The server accepts work.", "Ready", &json!({ "status": "ready" }))
        .fails(&["NOT_READY"])
}

fn metrics() -> Operation {
    let content = json!({ "text/plain": { "schema": { "type": "string" } } });
    get("/metrics", "getMetrics", "Get Prometheus metrics")
        .answers(200, "Metrics in the Prometheus text format.", Some(&content))
        .needs(Scope::Operate)
}

fn socket(path: &'static str, id: &str) -> Operation {
    let yes = json!({ "type": "string", "enum": ["true", "false"] });
    get(path, id, "Open a WebSocket with the updates of a user's tasks")
        .about(
            "A WebSocket. The server sends `connected`, `task_update` (`TaskUpdate`), `task_erased` (`TaskErased`), \
             `resume_more` (`ResumeMore`), `resumed`, `pong`, and `error` (`SocketError`) with the code \
             `MALFORMED_MESSAGE`, `TASK_NOT_FOUND`, `HISTORY_PRUNED` or `INVALID_FIELD`; the client may send `{\"type\":\"authenticate\",\"token\":…}` before anything else, `{\"type\":\"ping\"}`, `{\"type\":\"subscribe\",\"taskId\":…,\"afterSeq\":7}` and \
             `{\"type\":\"resume\",\"since\":…,\"seen\":{\"<taskId>\":7},\"cursor\":…}`.",
        )
        .parameter(user(WHOSE))
        .parameter(query("resume", "Send nothing until the client has sent `resume`.", &yes, &json!("true")))
        .answers(101, "The socket is open.", None)
        .needs(Scope::Read)
        .fails(&["INVALID_FIELD", "NOT_A_WEBSOCKET", "ORIGIN_NOT_ALLOWED", "TOO_MANY_CONNECTIONS"])
}

fn document() -> Operation {
    let content = json!({ "application/json": { "schema": { "type": "object" } } });
    get("/api/openapi.json", "getDescription", "Get this OpenAPI document").answers(
        200,
        "OpenAPI 3.1.",
        Some(&content),
    )
}

fn reader() -> Operation {
    let content = json!({ "text/html": { "schema": { "type": "string" } } });
    get("/docs", "readDescription", "Browse the API reference").answers(200, "A page.", Some(&content))
}

fn file() -> Operation {
    let schema = json!({ "type": "string", "enum": ["reader.js", "reader.css"] });
    let name =
        json!({ "name": "file", "in": "path", "required": true, "schema": schema, "example": "reader.js" });
    let text = json!({ "schema": { "type": "string" } });
    let content = json!({ "text/javascript": text, "text/css": text });
    get("/docs/{file}", "readDescriptionFile", "Get a file of the API reference")
        .parameter(name)
        .answers(200, "The file.", Some(&content))
        .fails(&["NOT_FOUND"])
}

fn console() -> Operation {
    let content = json!({ "text/html": { "schema": { "type": "string" } } });
    get("/console", "openConsole", "Open the console, the page for people")
        .about("Without a slash at its end the address is redirected to the one with it, and so is `/` for a browser.")
        .answers(200, "The page.", Some(&content))
        .answers(302, "To the address with a slash at its end.", None)
}

fn console_file() -> Operation {
    let text = json!({ "schema": { "type": "string" } });
    let content = json!({ "text/javascript": text, "text/css": text, "image/svg+xml": text });
    get("/console/{version}/{file}", "getConsoleFile", "Get a file of the console")
        .parameter(in_path("version", "The version that the page names.", "0123456789abcdef"))
        .parameter(in_path("file", "The file.", "console.js"))
        .answers(200, "The file. It never changes.", Some(&content))
        .fails(&["NOT_FOUND"])
}

fn object(method: Method, id: &str, summary: &str) -> Operation {
    let key = json!({ "name": "key", "in": "path", "required": true, "schema": { "type": "string" },
        "description": "Bucket and key, with slashes.", "example": "untxt/results" });
    Operation::new(method, "/objects/{key}", TAG, id, summary)
        .about("Objects of the embedded store. The URL comes from `resultUrl` or an upload's `url`, and is valid for one object, one method and a limited time.")
        .parameter(key)
        .answers(200, "The object, or confirmation that it is stored.", Some(&json!({ "*/*": {} })))
        .fails(&["NOT_FOUND", "URL_NOT_SIGNED", "ORIGIN_NOT_ALLOWED", "RANGE_NOT_SATISFIABLE"])
        .fails(&["FILE_TOO_LARGE", "MALFORMED_BODY"])
}

/// Headers of all responses.
pub(super) fn headers() -> Value {
    let id = json!({ "type": "string", "pattern": "^[A-Za-z0-9._-]{1,72}$" });
    json!({
        "RequestId": { "description": "Identifies the request in the server's log: a UUID, or the value sent by a trusted proxy.", "schema": id },
        "Challenge": { "description": "The accepted authentication scheme.", "schema": { "type": "string" } },
        "RetryAfter": { "description": "Seconds to wait before retrying.", "schema": { "type": "integer", "minimum": 1 } },
    })
}
