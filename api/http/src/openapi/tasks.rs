//! Operations of users.

use salvo::http::Method;
use serde_json::{Value, json};
use untxt_workflows::documents::formats::Format;
use untxt_workflows::documents::kind::Kind;

use super::operation::{Operation, header, in_path, query};
use super::schemas::format_name;

const TAG: &str = "tasks";
pub(super) const TASK: &str = "0192f5a1-7c3e-7d2a-9b41-6a0f3c2d1e00";
pub(super) const USER: &str = "11111111-1111-1111-1111-111111111111";
pub(super) const SHA256: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
pub(super) const AT: &str = "2026-11-23T12:34:56.789Z";

/// Meaning of a `userId` parameter.
pub(super) const WHOSE: &str = "The user. Default: the authenticated caller. Required when `UNTXT_AUTH=off`.";

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
        bulk(),
        get(),
        status(),
        result(),
        content(),
        archive(),
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
        json!({ "location": { "schema": { "type": "string" }, "description": "Path of the task." } });
    let about = "Parts may come in any order. The document type is detected from the content, not from the name. Once \
                 this is answered with 201, the task will reach a final status, whatever crashes.";
    let form = json!({
        "type": "object",
        "description": "Either `file` or `url` is required.",
        "properties": {
            "url": { "type": "string", "format": "uri", "maxLength": 2048,
                "description": "URL that the document is fetched from by the task's first step, instead of `file`." },
            "filename": { "type": "string", "description": "Name of the document. Default: that of the part `file`, or the last part of the URL's path." },
            "file": { "type": "string", "contentMediaType": "application/octet-stream",
                "description": format!("{}.", Kind::list("or")) },
            "userId": { "type": "string", "format": "uuid", "description": WHOSE },
            "priority": { "type": "integer", "minimum": 1, "maximum": 10, "default": 5 },
            "engine": { "type": "string" },
            "formats": { "type": "string", "default": Format::default().name(), "description": "Such as `html,txt,json`." },
            "pages": { "type": "string", "description": "Such as `1-3,5`." },
            "onPageFailure": { "type": "string", "enum": ["fail", "partial"], "default": "fail" },
            "options": { "type": "string", "contentMediaType": "application/json",
                "description": "`dpi`, `color`, `textLayer`, `languages`, `settings`, `webhook`." },
            "webhook": { "type": "string", "format": "uri", "maxLength": 2048,
                "description": "URL that is notified when the task ends." },
        },
    });
    let operation = Operation::new(Method::POST, "/api/tasks", TAG, "createTask", "Create a task")
        .about(about)
        .parameter(header(
            "Idempotency-Key",
            "Makes retries of the request return the same task.",
            &key,
            &json!("invoice-42"),
        ))
        .takes("multipart/form-data", &form, &json!({ "file": "…", "userId": USER, "priority": 5 }))
        .json(
            "NewTaskFromUrl",
            &json!({ "url": "https://example.com/invoice.pdf", "userId": USER, "formats": ["txt"] }),
        )
        .data(200, "The task created earlier with this key.", "Created", &created())
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
    let statuses = json!({ "type": "string", "description": "Such as `failed,partial`." });
    let text = json!({ "type": "string", "maxLength": 255 });
    let since = json!({ "type": "string", "format": "date-time" });
    let flag = json!({ "type": "boolean", "default": false });
    let mut pagination = pagination();
    pagination["next"] = json!(null);
    pagination["totalIsLowerBound"] = json!(false);
    let example = json!({ "tasks": [task()], "pagination": pagination, "asOf": AT });
    Operation::new(Method::GET, "/api/tasks", TAG, "listTasks", "List a user's tasks, newest first")
        .about(
            "With `after`, `q`, `engine` or several statuses the list is read by cursor: `offset` is 0, and `total` is \
             counted up to 10,000. Names and engines are looked for among 10,000 tasks an answer, which may be empty \
             although there is a `next`. With `changedSince` the tasks that have not ended, or changed since then or \
             in the minute before, are listed by their last change, the oldest first.",
        )
        .parameter(user(WHOSE))
        .parameter(query("limit", "Maximum number of items.", &limit(200), &json!(50)))
        .parameter(query("offset", "Number of items to skip.", &number(0), &json!(0)))
        .parameter(query("status", "Only tasks with one of these statuses.", &statuses, &json!("completed")))
        .parameter(query("q", "Only tasks with this in the file's name, in any case.", &text, &json!("invoice")))
        .parameter(query("engine", "Only tasks of this engine.", &text, &json!("reader")))
        .parameter(query(
            "after",
            "`pagination.next` of the previous answer; empty for the first page of a list by cursor.",
            &json!({ "type": "string" }),
            &json!(format!("{AT}_{TASK}")),
        ))
        .parameter(query("changedSince", "Only tasks that changed: a time, such as `asOf` of an earlier answer.", &since, &json!(AT)))
        .parameter(query("counts", "Count the tasks of each status.", &flag, &json!(true)))
        .data(200, "The tasks.", "TaskList", &example)
        .fails(&["INVALID_FIELD"])
}

fn bulk() -> Operation {
    let wanted = json!({ "action": "retry", "filter": { "q": "invoice" }, "dryRun": true });
    let told = json!({ "matched": 12, "matchedIsLowerBound": false, "done": 0, "failed": [], "failedCount": 0,
        "more": false });
    Operation::new(Method::POST, "/api/tasks/bulk", TAG, "changeTasks", "Cancel, retry or erase many tasks")
        .about(
            "Does to each task of a user that the filter lets through what the route of one task does: `cancel` to \
             tasks that have not ended, `retry` to `failed` and `partial` ones, `erase` to all. At most 1,000 tasks \
             and some 20 s a request: while `more` is true and something was `done`, send the same again. With \
             `dryRun` nothing is done. Tasks that are named in `tasks` are tried whatever their status. The first \
             100 failures are listed.",
        )
        .json("BulkAction", &wanted)
        .data(200, "What was done.", "BulkResult", &told)
        .fails(&["INVALID_FIELD", "MALFORMED_BODY", "NOT_JSON", "PAYLOAD_TOO_LARGE", "ORIGIN_NOT_ALLOWED"])
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
    at_task(Method::GET, "/api/tasks/{id}", "getTask", "Get a task").data(
        200,
        "The task.",
        "TaskDetails",
        &details(),
    )
}

fn status() -> Operation {
    let example = json!({ "taskId": TASK, "status": "processing", "step": "ocr", "attempt": 1,
        "progress": { "pagesDone": 3, "pagesTotal": 9 }, "source": "database" });
    at_task(Method::GET, "/api/tasks/{id}/status", "getTaskStatus", "Get the status of a task")
        .about(
            "`source` names the store that was read. It is always `database`, because Redis holds no status.",
        )
        .data(200, "The status.", "TaskStatus", &example)
}

fn result() -> Operation {
    let example = json!({ "taskId": TASK, "filename": "letter-scan.png", "format": "html",
        "contentType": "text/html; charset=utf-8", "bytes": 2345, "sha256": SHA256,
        "resultUrl": "https://untxt.s3.amazonaws.com/results/…?X-Amz-Signature=…", "expiresIn": 3600 });
    let formats = format_name();
    let seconds = json!({ "type": "integer", "minimum": 60, "maximum": 604_800, "default": 3600 });
    at_task(Method::GET, "/api/tasks/{id}/result", "getTaskResult", "Get a download URL of the result")
        .about("Anyone can download the result from `resultUrl`, without credentials, until it expires.")
        .parameter(query("format", "One of the task's formats; default its first.", &formats, &json!("txt")))
        .parameter(query("expiresIn", "Lifetime of the URL in seconds.", &seconds, &json!(600)))
        .data(200, "The URL and facts about the result.", "Result", &example)
        .fails(&["INVALID_FIELD", "FORMAT_NOT_AVAILABLE", "TASK_NOT_COMPLETED"])
}

fn content() -> Operation {
    let formats = format_name();
    let document = json!({ "schema": { "$ref": "#/components/schemas/ResultDocument" } });
    let bytes = json!({ "application/json": document, "*/*": {} });
    let part = json!({ "*/*": {} });
    at_task(Method::GET, "/api/tasks/{id}/result/content", "getTaskResultContent", "Download the result")
        .about(
            "Sent as an attachment. `ETag` is the SHA-256; `If-None-Match`, `If-Range` and a single byte `Range` are \
             supported.",
        )
        .parameter(query(
            "format",
            "One of the task's formats; default its first.",
            &formats,
            &json!("json"),
        ))
        .answers(200, "The whole result.", Some(&bytes))
        .answers(206, "The requested bytes.", Some(&part))
        .answers(304, "The client's copy is current.", None)
        .fails(&["INVALID_FIELD", "FORMAT_NOT_AVAILABLE", "TASK_NOT_COMPLETED", "RANGE_NOT_SATISFIABLE"])
}

fn archive() -> Operation {
    let list = json!({ "type": "string" });
    let whole = json!({ "application/zip": {} });
    at_task(
        Method::GET,
        "/api/tasks/{id}/result/archive",
        "getTaskResultArchive",
        "Download several formats as a zip archive",
    )
    .about(
        "One file per format, named after the document. The archive is packed while it is sent, so there is no \
         `Content-Length` and no `Range`; one that breaks off is no valid archive. `ETag` is weak and made of the \
         SHA-256 of the files; `If-None-Match` is supported.",
    )
    .parameter(query("formats", "Some of the task's formats; default all.", &list, &json!("html,json")))
    .answers(200, "The archive.", Some(&whole))
    .answers(304, "The client's copy is current.", None)
    .fails(&["INVALID_FIELD", "FORMAT_NOT_AVAILABLE", "TASK_NOT_COMPLETED"])
}

fn events() -> Operation {
    let id = json!({ "type": "string", "pattern": "^[0-9]+$" });
    let line = format!(
        "event: task_update\ndata: {{\"type\":\"task_update\",\"data\":{{\"taskId\":\"{TASK}\",\"status\":\"queued\",\"message\":\"Task queued for processing\",\"seq\":1,\"step\":\"download\",\"progress\":{{\"pagesDone\":0,\"pagesTotal\":0}}}},\"timestamp\":\"{AT}\"}}\nid: 1\n\n"
    );
    let content = json!({ "text/event-stream": { "schema": { "type": "string" }, "example": line } });
    at_task(Method::GET, "/api/tasks/{id}/events", "streamTask", "Stream the updates of a task")
        .about("Server-sent events. `data` is a `TaskUpdate`, the same as the WebSocket sends; `id` is its `seq`. \
                The stream starts with past updates and ends with the task. The last line of a task that is erased \
                before its end was told is an event `task_erased` without an id, with a `TaskErased`.")
        .parameter(header("Last-Event-ID", "Resume after this event.", &id, &json!("7")))
        .parameter(query("afterSeq", "The same as `Last-Event-ID`, for clients that can't set headers.", &number(0), &json!(7)))
        .answers(200, "The events.", Some(&content))
        .answers(204, "The task has ended and the client has all events.", None)
        .fails(&["INVALID_FIELD", "HISTORY_PRUNED", "TOO_MANY_CONNECTIONS"])
}

fn history() -> Operation {
    let example = json!({ "taskId": TASK, "history": [
        { "seq": 2, "at": AT, "event": "started", "step": "download", "data": { "step": 0, "attempt": 1 } },
    ] });
    at_task(Method::GET, "/api/tasks/{id}/history", "getTaskHistory", "Get the history of a task")
        .about("Every step, attempt, error, worker and time, in order.")
        .parameter(query("limit", "Maximum number of events.", &limit(1_000), &json!(1_000)))
        .parameter(query("afterSeq", "Only events after this `seq`.", &number(0), &json!(1)))
        .data(200, "The events.", "History", &example)
        .fails(&["INVALID_FIELD", "HISTORY_PRUNED"])
}

fn cancel() -> Operation {
    at_task(Method::POST, "/api/tasks/{id}/cancel", "cancelTask", "Cancel a task")
        .parameter(user("Answer 404 unless the task belongs to this user."))
        .data(200, "The cancelled task.", "TaskDetails", &details())
        .fails(&["INVALID_FIELD", "TASK_ALREADY_ENDED", "ORIGIN_NOT_ALLOWED"])
}

fn retry() -> Operation {
    at_task(Method::POST, "/api/tasks/{id}/retry", "retryTask", "Retry a failed task")
        .about("Resumes at the step that failed; finished pages are kept.")
        .data(200, "The task, queued again.", "TaskDetails", &details())
        .fails(&["NOTHING_TO_RETRY", "ENGINE_NOT_FOUND", "ENGINE_GONE", "ORIGIN_NOT_ALLOWED"])
}

fn erase() -> Operation {
    at_task(Method::DELETE, "/api/tasks/{id}", "eraseTask", "Erase a task and its objects")
        .about(
            "A running task is cancelled first. Objects that the store can't delete now are deleted later.",
        )
        .parameter(user("Answer 404 unless the task belongs to this user."))
        .data(200, "The task is erased.", "Erased", &json!({ "taskId": TASK, "erased": true }))
        .fails(&["INVALID_FIELD", "TASK_GOES_ON", "ORIGIN_NOT_ALLOWED"])
}
