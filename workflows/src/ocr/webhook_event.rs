//! What a webhook tells of a task that has ended.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};
use untxt_engine::event::{Event, EventKind};
use untxt_engine::id::RunId;
use untxt_engine::new_run::NewRun;
use untxt_engine::state::{RunState, RunStatus};
use untxt_engine::time::Timestamp;

use super::steps::{UPLOAD_RESULT, definition};
use crate::task_input::TaskInput;
use crate::webhooks::delivery::{Delivery, id_of};

/// The run that tells of the end that `last` is, if it is one and somebody
/// wants to be told.
pub(super) fn of(run: &RunState, last: &Event) -> Option<NewRun> {
    let event = end(&last.kind)?;
    let input = TaskInput::of(run).ok()?;
    let url = input.options.webhook.clone()?;
    let id = id_of(run.id, last.seq);
    let body = json!({
        "id": id,
        "type": event,
        "createdAt": time(last.at),
        "data": data(run, &input),
    });
    let (event, trace) = (event.to_owned(), input.trace);
    Some(Delivery { url, event, body, trace }.run(id, &run.tenant))
}

/// What the end that `kind` is, is called; `None` if it is none.
fn end(kind: &EventKind) -> Option<&'static str> {
    Some(match kind {
        EventKind::Completed => "task.completed",
        EventKind::CompletedPartially { .. } => "task.partial",
        EventKind::RunFailed { .. } => "task.failed",
        EventKind::Cancelled => "task.cancelled",
        _ => return None,
    })
}

/// Id of the delivery that tells of `event`, if that is an end.
pub(crate) fn delivery_after(event: &Event) -> Option<RunId> {
    end(&event.kind).map(|_| id_of(event.run, event.seq))
}

/// Id of the delivery that tells how the task ended; `None` while it has not.
pub(crate) fn delivery_of(run: &RunState) -> Option<RunId> {
    run.status.is_terminal().then(|| id_of(run.id, run.seq))
}

fn data(run: &RunState, input: &TaskInput) -> Value {
    let with_result = matches!(run.status, RunStatus::Completed | RunStatus::Partial);
    let error = run.error.as_ref().filter(|_| !with_result);
    json!({
        "taskId": run.id,
        "fileId": input.file.id,
        "userId": input.file.user,
        "filename": input.file.name,
        "status": run.status.as_str(),
        "progress": { "pagesDone": run.items.done, "pagesTotal": run.items.total },
        "result": with_result.then(|| result(run)),
        "error": error.map(|error| json!({ "code": error.code, "message": error.message })),
        "completedAt": run.finished_at.map(time),
    })
}

/// What a result is like; where it can be had is asked of the API.
fn result(run: &RunState) -> Value {
    let stored = run.output_of(definition(), UPLOAD_RESULT);
    json!({
        "textLength": stored["text_length"],
        "confidence": stored["confidence"],
        "confidenceKind": stored["confidence_kind"],
        "failedPages": stored["failed_pages"].as_array().cloned().unwrap_or_default(),
        "failedFormats": stored["failed_formats"].as_array().cloned().unwrap_or_default(),
        "warnings": stored["warnings"].as_array().cloned().unwrap_or_default(),
        "warningCount": stored["warning_count"].as_u64().unwrap_or_default(),
        "simulated": stored["simulated"],
    })
}

fn time(at: Timestamp) -> String {
    let at: DateTime<Utc> = DateTime::from_timestamp_millis(at.0).unwrap_or_default();
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[cfg(test)]
mod tests {
    use untxt_engine::new_run::NewRun;
    use uuid::Uuid;

    use super::super::WORKFLOW;
    use super::*;
    use crate::documents::formats::Format;
    use crate::task_input::{EnginePin, FileInput, TaskOptions};

    /// A run that is completed, of which the last step but one returned `output`.
    fn completed(output: &Value) -> (RunState, Event) {
        let options =
            TaskOptions { webhook: Some("https://example.com/".to_owned()), ..TaskOptions::default() };
        let file = FileInput {
            url: None,
            id: Uuid::from_u128(1),
            user: Uuid::from_u128(2),
            name: "a.pdf".to_owned(),
            key: "uploads/a.pdf".to_owned(),
            sha256: String::new(),
            size_bytes: 1,
            uploaded_at_ms: 0,
        };
        let engine = EnginePin { name: "reader".to_owned(), digest: String::new() };
        let formats = vec![Format::Html, Format::Json];
        let input = TaskInput { file, engine, formats, pages: None, options, trace: None };
        let run = RunId(Uuid::from_u128(3));
        let new = NewRun::new(WORKFLOW, Uuid::from_u128(2), serde_json::to_value(input).unwrap());
        let first = NewRun { id: run, ..new }.submitted(1, Timestamp(0));
        let last = Event { run, seq: 2, at: Timestamp(1), kind: EventKind::Completed };
        let mut state = RunState::replay(&[first, last.clone()]).unwrap();
        state.outputs.insert(definition().position(UPLOAD_RESULT).unwrap(), output.clone());
        (state, last)
    }

    #[test]
    fn formats_that_could_not_be_made_are_told_as_the_task_shows_them() {
        let failed = json!([{ "format": "json", "code": "OBJECT_REFUSED", "message": "too large" }]);
        let output = json!({ "text_length": 7, "failed_pages": [], "failed_formats": failed });
        let (run, last) = completed(&output);
        let told = of(&run, &last).unwrap().input["body"]["data"]["result"].clone();
        assert_eq!((&told["failedFormats"], &told["textLength"]), (&failed, &json!(7)));
        let (run, last) = completed(&json!({}));
        assert_eq!(of(&run, &last).unwrap().input["body"]["data"]["result"]["failedFormats"], json!([]));
    }
}
