//! What users do.

use salvo::http::Method;
use serde_json::{Value, json};

use super::operation::{Operation, header, in_path, query};

const TAG: &str = "tasks";
pub(super) const TASK: &str = "0192f5a1-7c3e-7d2a-9b41-6a0f3c2d1e00";
pub(super) const USER: &str = "11111111-1111-1111-1111-111111111111";
pub(super) const SHA256: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
pub(super) const AT: &str = "2026-11-23T12:34:56.789Z";

/// What it means to name a user.
pub(super) const WHOSE: &str =
    "Whose tasks: the caller's own when absent. Needed where callers are not asked who they are.";

/// Codes of a document that is refused, or that can't be looked at now.
pub(super) const DOCUMENT: [&str; 15] = [
    "DOCUMENT_EMPTY",
    "FILE_TOO_LARGE",
    "DOCUMENT_UNSUPPORTED_TYPE",
    "DOCUMENT_ENCRYPTED",
    "DOCUMENT_BROKEN",
    "DOCUMENT_NO_PAGES",
    "DOCUMENT_TOO_MANY_PAGES",
    "DOCUMENT_TOO_LARGE",
    "PAGE_BROKEN",
    "PAGE_TOO_LARGE",
    "PAGE_TIMEOUT",
    "PAGE_MEMORY",
    "RENDERER_CRASHED",
    "RENDERER_BUSY",
    "NO_ROOM",
];

pub(super) fn operations() -> Vec<Operation> {
    vec![
        create(),
        list(),
        get(),
        status(),
        result(),
        content(),
        events(),
        history(),
        cancel(),
        retry(),
        erase(),
    ]
}

pub(super) fn at_task(method: Method, path: &'static str, id: &str, summary: &str) -> Operation {
    Operation::new(method, path, TAG, id, summary)
        .parameter(in_path("id", "The task.", TASK))
        .fails(&["TASK_NOT_FOUND"])
}

fn create() -> Operation {
    let key = json!({ "type": "string", "minLength": 1, "maxLength": 200 });
    let location =
        json!({ "location": { "schema": { "type": "string" }, "description": "The task's path." } });
    let about = "The parts may come in any order. The file is told by its bytes, whatever it is called. When this \
                 is answered with 201, the task will end, whatever crashes.";
    let form = json!({
        "type": "object",
        "required": ["file"],
        "properties": {
            "file": { "type": "string", "contentMediaType": "application/octet-stream",
                "description": "PNG, JPEG, WebP, TIFF or PDF." },
            "userId": { "type": "string", "format": "uuid", "description": WHOSE },
            "priority": { "type": "integer", "minimum": 1, "maximum": 10, "default": 5 },
            "engine": { "type": "string" },
            "formats": { "type": "string", "default": "html", "description": "Such as `html,txt,json`." },
            "pages": { "type": "string", "description": "Such as `1-3,5`." },
            "onPageFailure": { "type": "string", "enum": ["fail", "partial"], "default": "fail" },
            "options": { "type": "string", "contentMediaType": "application/json",
                "description": "`dpi`, `color`, `languages`, `settings`, `webhook`." },
            "webhook": { "type": "string", "format": "uri", "maxLength": 2048,
                "description": "Is told how the task ended." },
        },
    });
    let operation = Operation::new(Method::POST, "/api/tasks", TAG, "createTask", "Have a document read")
        .about(about)
        .parameter(header(
            "Idempotency-Key",
            "Makes a repeated request the same task.",
            &key,
            &json!("invoice-42"),
        ))
        .takes("multipart/form-data", &form, &json!({ "file": "…", "userId": USER, "priority": 5 }))
        .data(200, "The task that this key stands for already.", "Created", &created())
        .data(201, "The task.", "Created", &created());
    operation
        .with_headers(201, &location)
        .with_headers(200, &location)
        .fails(&[
            "INVALID_FIELD",
            "MALFORMED_BODY",
            "TOO_MANY_PARTS",
            "NOT_MULTIPART",
            "IDEMPOTENCY_KEY_REUSED",
        ])
        .fails(&["ENGINE_NOT_FOUND", "ENGINE_INCOMPATIBLE", "PAGE_OUT_OF_RANGE", "RENDERER_UNAVAILABLE"])
        .fails(&["RATE_LIMITED", "QUOTA_EXCEEDED", "ORIGIN_NOT_ALLOWED"])
        .fails(&DOCUMENT)
}

pub(super) fn created() -> Value {
    json!({
        "taskId": TASK, "fileId": TASK, "filename": "letter-scan.png", "fileSize": 333_382,
        "mimeType": "image/png", "s3Key": format!("uploads/{USER}/2026-11/{TASK}/letter-scan.png"),
        "fileHash": SHA256, "status": "queued", "queuePosition": 1, "createdAt": AT,
    })
}

fn list() -> Operation {
    let status = json!({ "$ref": "#/components/schemas/Status" });
    Operation::new(Method::GET, "/api/tasks", TAG, "listTasks", "A user's tasks, newest first")
        .parameter(user(WHOSE))
        .parameter(query("limit", "How many.", &limit(200), &json!(50)))
        .parameter(query("offset", "How many are left out.", &number(0), &json!(0)))
        .parameter(query("status", "Only those that are so.", &status, &json!("completed")))
        .data(200, "The tasks.", "TaskList", &json!({ "tasks": [task()], "pagination": pagination() }))
        .fails(&["INVALID_FIELD"])
}

pub(super) fn user(means: &str) -> Value {
    query("userId", means, &json!({ "type": "string", "format": "uuid" }), &json!(USER))
}

pub(super) fn limit(most: u32) -> Value {
    json!({ "type": "integer", "minimum": 1, "maximum": most })
}

pub(super) fn number(least: u32) -> Value {
    json!({ "type": "integer", "minimum": least, "maximum": u32::MAX })
}

pub(super) fn pagination() -> Value {
    json!({ "total": 1, "limit": 50, "offset": 0, "hasMore": false })
}

fn task() -> Value {
    json!({
        "taskId": TASK, "fileId": TASK, "userId": USER, "filename": "letter-scan.png", "fileSize": 333_382,
        "mimeType": "image/png", "fileHash": SHA256, "taskType": "ocr", "priority": 5, "status": "completed",
        "step": "finalize", "attempt": 1, "engine": "simulated-qwen3", "engineDigest": SHA256,
        "formats": ["html"], "pages": null, "pagesTotal": 1, "progress": { "pagesDone": 1, "pagesTotal": 1 },
        "onPageFailure": "fail",
        "result": { "textLength": 1234, "confidence": null, "confidenceKind": "none", "pages": 1,
            "failedPages": [], "failedFormats": [], "warnings": [], "warningCount": 0, "simulated": true },
        "error": null, "createdAt": AT, "startedAt": AT, "completedAt": AT, "updatedAt": AT,
    })
}

pub(super) fn details() -> Value {
    let mut details = task();
    details["failedPages"] = json!([]);
    details["webhook"] = json!(null);
    details["resultUrl"] = json!("https://untxt.s3.amazonaws.com/results/…?X-Amz-Signature=…");
    details
}

fn get() -> Operation {
    at_task(Method::GET, "/api/tasks/{id}", "getTask", "One task").data(
        200,
        "The task.",
        "TaskDetails",
        &details(),
    )
}

fn status() -> Operation {
    let example = json!({ "taskId": TASK, "status": "processing", "step": "ocr", "attempt": 1,
        "progress": { "pagesDone": 3, "pagesTotal": 9 }, "source": "database" });
    at_task(Method::GET, "/api/tasks/{id}/status", "getTaskStatus", "Where a task stands")
        .about("`source` says where the answer was read. It is always `database`: Redis holds no status.")
        .data(200, "Where it stands.", "TaskStatus", &example)
}

fn result() -> Operation {
    let example = json!({ "taskId": TASK, "filename": "letter-scan.png", "format": "html",
        "contentType": "text/html; charset=utf-8", "bytes": 2345, "sha256": SHA256,
        "resultUrl": "https://untxt.s3.amazonaws.com/results/…?X-Amz-Signature=…", "expiresIn": 3600 });
    let formats = json!({ "type": "string", "enum": ["html", "txt", "md", "json", "hocr"] });
    let seconds = json!({ "type": "integer", "minimum": 60, "maximum": 604_800, "default": 3600 });
    at_task(Method::GET, "/api/tasks/{id}/result", "getTaskResult", "Where the result can be fetched")
        .about("The store serves it at `resultUrl` as an attachment, to anybody, until it expires.")
        .parameter(query(
            "format",
            "One of the task's formats; its first when absent.",
            &formats,
            &json!("txt"),
        ))
        .parameter(query("expiresIn", "Seconds for which the URL is good.", &seconds, &json!(600)))
        .data(200, "Where it is.", "Result", &example)
        .fails(&["INVALID_FIELD", "FORMAT_NOT_AVAILABLE", "TASK_NOT_COMPLETED"])
}

fn content() -> Operation {
    let formats = json!({ "type": "string", "enum": ["html", "txt", "md", "json", "hocr"] });
    let document = json!({ "schema": { "$ref": "#/components/schemas/ResultDocument" } });
    let bytes = json!({ "application/json": document, "*/*": {} });
    let part = json!({ "*/*": {} });
    at_task(Method::GET, "/api/tasks/{id}/result/content", "getTaskResultContent", "The result itself")
        .about(
            "As an attachment, with an `ETag` (its SHA-256), which `If-None-Match` and `If-Range` take. A `Range` of \
             bytes is answered in part.",
        )
        .parameter(query(
            "format",
            "One of the task's formats; its first when absent.",
            &formats,
            &json!("json"),
        ))
        .answers(200, "All of it.", Some(&bytes))
        .answers(206, "The bytes that were asked for.", Some(&part))
        .answers(304, "The client has it.", None)
        .fails(&["INVALID_FIELD", "FORMAT_NOT_AVAILABLE", "TASK_NOT_COMPLETED", "RANGE_NOT_SATISFIABLE"])
}

fn events() -> Operation {
    let id = json!({ "type": "string", "pattern": "^[0-9]+$" });
    let line = format!(
        "event: task_update\ndata: {{\"type\":\"task_update\",\"data\":{{\"taskId\":\"{TASK}\",\"status\":\"queued\",\"message\":\"Task queued for processing\",\"seq\":1,\"step\":\"download\",\"progress\":{{\"pagesDone\":0,\"pagesTotal\":0}}}},\"timestamp\":\"{AT}\"}}\nid: 1\n\n"
    );
    let content = json!({ "text/event-stream": { "schema": { "type": "string" }, "example": line } });
    at_task(Method::GET, "/api/tasks/{id}/events", "streamTask", "What happens to a task, as it happens")
        .about("Server-sent events. `data` is a `TaskUpdate`, the same as the WebSocket sends; `id` is its `seq`. \
                The stream begins with what happened so far and ends with the task. The last line of a task that is erased \
                before its end was told is an event `task_erased` without an id, with a `TaskErased`.")
        .parameter(header("Last-Event-ID", "Tells what happened after that event only.", &id, &json!("7")))
        .parameter(query("afterSeq", "The same, for whom a header is hard to send.", &number(0), &json!(7)))
        .answers(200, "The events.", Some(&content))
        .answers(204, "The task has ended, and the client has heard of it.", None)
        .fails(&["INVALID_FIELD", "HISTORY_PRUNED", "TOO_MANY_CONNECTIONS"])
}

fn history() -> Operation {
    let example = json!({ "taskId": TASK, "history": [
        { "seq": 2, "at": AT, "event": "started", "step": "download", "data": { "step": 0, "attempt": 1 } },
    ] });
    at_task(Method::GET, "/api/tasks/{id}/history", "getTaskHistory", "The journal of a task")
        .about("Every step, attempt, error, worker and time, in order.")
        .parameter(query("limit", "How many events.", &limit(1_000), &json!(1_000)))
        .parameter(query("afterSeq", "Those after this one.", &number(0), &json!(1)))
        .data(200, "The events.", "History", &example)
        .fails(&["INVALID_FIELD", "HISTORY_PRUNED"])
}

fn cancel() -> Operation {
    at_task(Method::POST, "/api/tasks/{id}/cancel", "cancelTask", "Stop a task")
        .parameter(user("Refuses unless the task is this user's."))
        .data(200, "The task, cancelled.", "TaskDetails", &details())
        .fails(&["INVALID_FIELD", "TASK_ALREADY_ENDED", "ORIGIN_NOT_ALLOWED"])
}

fn retry() -> Operation {
    at_task(Method::POST, "/api/tasks/{id}/retry", "retryTask", "Have a task go on that died")
        .about("It goes on where it died; finished pages stay.")
        .data(200, "The task, queued again.", "TaskDetails", &details())
        .fails(&["NOTHING_TO_RETRY", "ENGINE_NOT_FOUND", "ENGINE_GONE", "ORIGIN_NOT_ALLOWED"])
}

fn erase() -> Operation {
    at_task(Method::DELETE, "/api/tasks/{id}", "eraseTask", "Erase a task with its objects")
        .about(
            "One that runs is stopped first. Objects that the store does not remove now are removed later.",
        )
        .parameter(user("Refuses unless the task is this user's."))
        .data(200, "It is gone.", "Erased", &json!({ "taskId": TASK, "erased": true }))
        .fails(&["INVALID_FIELD", "TASK_GOES_ON", "ORIGIN_NOT_ALLOWED"])
}
