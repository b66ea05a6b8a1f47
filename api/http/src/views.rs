//! What goes out: the shapes clients know, camelCase, times in RFC 3339 UTC
//! with milliseconds.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};
use untxt_engine::event::Event;
use untxt_engine::state::{ItemCount, RunState, RunStatus};
use untxt_engine::time::Timestamp;
use untxt_workflows::entities::{file, task};
use untxt_workflows::submit::Submission;
use untxt_workflows::task_queries::{FailedPage, WebhookState};
use untxt_workflows::updates::TaskUpdate;
use uuid::Uuid;

/// `{"success":true,"data":…}`.
#[must_use]
pub fn success(data: &Value) -> Value {
    json!({ "success": true, "data": data })
}

/// A time as clients read it.
#[must_use]
pub fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// The engine's milliseconds as clients read them.
#[must_use]
pub fn millis(at: Timestamp) -> String {
    time(DateTime::from_timestamp_millis(at.0).unwrap_or_default())
}

/// The answer to an upload.
#[must_use]
pub fn submission(submission: &Submission) -> Value {
    let Submission { task, file, queue_position, .. } = submission;
    json!({
        "taskId": task.id,
        "fileId": file.id,
        "filename": file.filename,
        "fileSize": file.file_size,
        "mimeType": file.mime_type,
        "s3Key": file.s3_key,
        "fileHash": file.file_hash,
        "status": task.status,
        "queuePosition": queue_position,
        "createdAt": task.created_at.map(time),
    })
}

/// A task in a list, with how many of its pages are done.
#[must_use]
pub fn task(task: &task::Model, file: &file::Model, pages: ItemCount) -> Value {
    json!({
        "taskId": task.id,
        "fileId": file.id,
        "userId": task.user_id,
        "filename": file.filename,
        "fileSize": file.file_size,
        "mimeType": file.mime_type,
        "fileHash": file.file_hash,
        "taskType": task.task_type,
        "priority": task.priority,
        "status": task.status,
        "step": task.step,
        "attempt": task.attempt,
        "engine": task.engine,
        "engineDigest": task.engine_digest,
        "formats": task.formats.split(',').collect::<Vec<_>>(),
        "pages": task.pages,
        "pagesTotal": task.pages_total,
        "progress": progress(pages.done, pages.total),
        "onPageFailure": task.on_page_failure,
        "result": task.result.as_ref().map(result),
        "error": task.error_code.as_ref().map(|code| json!({ "code": code, "message": task.error_message })),
        "createdAt": task.created_at.map(time),
        "startedAt": task.started_at.map(time),
        "completedAt": task.completed_at.map(time),
        "updatedAt": task.updated_at.map(time),
    })
}

/// The summary of a result, without where its objects lie.
fn result(stored: &Value) -> Value {
    json!({
        "textLength": stored["text_length"],
        "confidence": stored["confidence"],
        "confidenceKind": stored["confidence_kind"],
        "pages": stored["pages"],
        "failedPages": stored["failed_pages"].as_array().cloned().unwrap_or_default(),
        "warnings": stored["warnings"].as_array().cloned().unwrap_or_default(),
        "warningCount": stored["warning_count"].as_u64().unwrap_or_default(),
        "failedFormats": stored["failed_formats"].as_array().cloned().unwrap_or_default(),
        "simulated": stored["simulated"],
    })
}

/// How many pages are done.
#[must_use]
pub fn progress(done: u32, total: u32) -> Value {
    json!({ "pagesDone": done, "pagesTotal": total })
}

/// One task: its row, how far its run is, which of its pages are dead, and where
/// its result can be had.
#[must_use]
pub fn detailed(
    row: &task::Model,
    file: &file::Model,
    run: Option<&RunState>,
    failed_pages: &[FailedPage],
    result_url: Option<&str>,
) -> Value {
    let mut view = task(row, file, run.map(|run| run.items).unwrap_or_default());
    if let Some(fields) = view.as_object_mut() {
        fields.insert("failedPages".to_owned(), failed_pages.iter().map(failed_page).collect());
        fields.insert("resultUrl".to_owned(), json!(result_url));
    }
    view
}

/// How far it is told how a task ended.
#[must_use]
pub fn webhook(webhook: &WebhookState) -> Value {
    let Some(run) = &webhook.delivery else {
        return json!({ "url": webhook.url, "status": "waiting" });
    };
    let status = match run.status {
        RunStatus::Completed | RunStatus::Partial => "delivered",
        RunStatus::Failed => "failed",
        RunStatus::Cancelled => "cancelled",
        RunStatus::Retrying => "retrying",
        RunStatus::Queued | RunStatus::Processing => "pending",
    };
    let retrying = run.status == RunStatus::Retrying;
    json!({
        "url": webhook.url,
        "status": status,
        "event": run.input["event"],
        "eventId": run.id,
        "attempts": run.attempts.made,
        "nextAttemptAt": retrying.then(|| millis(run.attempts.due_at)),
        "deliveredAt": run.finished_at.filter(|_| status == "delivered").map(millis),
        "error": webhook.error.as_ref().map(|error| json!({ "code": error.code, "message": error.message })),
    })
}

fn failed_page(failed: &FailedPage) -> Value {
    json!({ "page": failed.page, "code": failed.code, "message": failed.message })
}

/// The journal's events, with the names of their steps.
#[must_use]
pub fn history(events: &[Event], steps: &[&str]) -> Value {
    events.iter().map(|event| line(event, steps)).collect()
}

fn line(event: &Event, steps: &[&str]) -> Value {
    let stored = serde_json::to_value(&event.kind).unwrap_or_default();
    let mut fields = Map::new();
    fields.insert("seq".to_owned(), json!(event.seq));
    fields.insert("at".to_owned(), json!(millis(event.at)));
    fields.insert("event".to_owned(), stored["event"].clone());
    if let Some(step) = stored["data"]["step"].as_u64().and_then(|step| usize::try_from(step).ok()) {
        fields.insert("step".to_owned(), json!(steps.get(step)));
    }
    fields.insert("data".to_owned(), stored["data"].clone());
    Value::Object(fields)
}

/// What a socket says when it is connected.
#[must_use]
pub fn connected(user: Uuid) -> Value {
    json!({ "type": "connected", "data": { "userId": user }, "timestamp": time(Utc::now()) })
}

/// What a socket says when it has told all that was missed.
#[must_use]
pub fn resumed() -> Value {
    json!({ "type": "resumed", "timestamp": time(Utc::now()) })
}

/// What a socket says when there is more of what was missed than one `resume`
/// tells.
#[must_use]
pub fn resume_more(cursor: &str) -> Value {
    let message = "more tasks changed since then: send `resume` again with this `cursor` for the next of them; to \
                   hear only of what happens from now on, send it without one and with `since` now, and ask GET \
                   /api/tasks for the others";
    let data = json!({ "cursor": cursor, "message": message });
    json!({ "type": "resume_more", "data": data, "timestamp": time(Utc::now()) })
}

/// That a message of the client's is not followed, and why; about which task, if
/// it is about one.
#[must_use]
pub fn socket_error(code: &str, message: &str, task: Option<Uuid>) -> Value {
    let mut data = json!({ "code": code, "message": message });
    if let (Some(fields), Some(task)) = (data.as_object_mut(), task) {
        fields.insert("taskId".to_owned(), json!(task));
    }
    json!({ "type": "error", "data": data, "timestamp": time(Utc::now()) })
}

/// The answer to a ping.
#[must_use]
pub fn pong() -> Value {
    json!({ "type": "pong", "timestamp": time(Utc::now()) })
}

/// That a task was erased: nothing more is told of it.
#[must_use]
pub fn task_erased(task: Uuid) -> Value {
    json!({ "type": "task_erased", "data": { "taskId": task }, "timestamp": time(Utc::now()) })
}

/// What happened to a task.
#[must_use]
pub fn task_update(update: &TaskUpdate, steps: &[&str]) -> Value {
    let mut data = json!({
        "taskId": update.task,
        "status": update.status.as_str(),
        "message": update.message,
        "seq": update.seq,
        "step": steps.get(usize::from(update.step)),
        "progress": progress(update.pages_done, update.pages_total),
    });
    if let (Some(fields), Some(result)) = (data.as_object_mut(), &update.result) {
        fields.insert("result".to_owned(), result.clone());
    }
    if let (Some(fields), Some(code)) = (data.as_object_mut(), &update.error_code) {
        fields.insert("errorCode".to_owned(), json!(code));
    }
    json!({ "type": "task_update", "data": data, "timestamp": millis(update.at) })
}
