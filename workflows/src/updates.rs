//! Events as their users hear of them: which task, which status, in a sentence.

use std::collections::HashMap;

use serde_json::{Value, json};
use untxt_engine::engine::Engine;
use untxt_engine::event::{Attempt, Event, EventKind};
use untxt_engine::id::RunId;
use untxt_engine::journal::JournalError;
use untxt_engine::state::{RunState, RunStatus};
use untxt_engine::time::Timestamp;
use uuid::Uuid;

use crate::ocr::{WORKFLOW, position};

/// Runs whose state is kept between their events. Beyond it all are forgotten
/// and read again when they are heard of.
const RUNS_MAX: usize = 10_000;

/// Events that are read at once when a run is first heard of in its middle.
const HISTORY_AT_ONCE: u32 = 1_000;

/// One thing that happened to a task.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskUpdate {
    /// Whose.
    pub user: Uuid,
    /// Which.
    pub task: Uuid,
    /// Where it stands now.
    pub status: RunStatus,
    /// In a sentence.
    pub message: String,
    /// Place in the task's history.
    pub seq: u64,
    /// Position of the step it is at.
    pub step: u16,
    /// Pages that are done.
    pub pages_done: u32,
    /// Pages in all; 0 until they are known.
    pub pages_total: u32,
    /// What came of it, when it is completed.
    pub result: Option<Value>,
    /// Why it failed, when it did.
    pub error_code: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// Tells the story of runs from their events, in order.
#[derive(Debug, Default)]
pub struct Narrator {
    states: HashMap<RunId, RunState>,
}

impl Narrator {
    /// What `event` means to its user; `None` if nothing.
    ///
    /// # Errors
    /// [`JournalError::Unavailable`] when the run was not heard of before and
    /// its past can't be read; the same event may be told again.
    pub async fn tell(&mut self, engine: &Engine, event: &Event) -> Result<Option<TaskUpdate>, JournalError> {
        // Events that were not told leave a state behind that is out of date.
        let known = self.states.get(&event.run).is_some_and(|state| event.seq <= state.seq + 1);
        if !known {
            if self.states.len() >= RUNS_MAX {
                self.states.clear();
            }
            match past(engine, event).await? {
                Some(state) => self.states.insert(event.run, state),
                None => return Ok(None),
            };
        }
        let Some(state) = self.states.get_mut(&event.run) else { return Ok(None) };
        if event.seq > state.seq {
            state.apply(event);
        }
        let update = update(state, event);
        if state.status.is_terminal() {
            self.states.remove(&event.run);
        }
        Ok(update)
    }
}

/// The state that `event` found (or made, if it is the first). `None` if the
/// run has been erased, or its history pruned.
async fn past(engine: &Engine, event: &Event) -> Result<Option<RunState>, JournalError> {
    if event.seq == 1 {
        return Ok(RunState::begin(event));
    }
    let mut history = Vec::new();
    while history.last().map_or(0, |last: &Event| last.seq) + 1 < event.seq {
        let after = history.last().map_or(0, |last| last.seq);
        let more = match engine.history(event.run, after, HISTORY_AT_ONCE).await {
            // It ended so long ago that nobody waits for this to be told.
            Err(JournalError::Pruned(_)) => return Ok(None),
            read => read?,
        };
        if more.is_empty() {
            return Ok(None);
        }
        history.extend(more);
    }
    history.retain(|earlier| earlier.seq < event.seq);
    Ok(RunState::replay(&history))
}

fn update(run: &RunState, event: &Event) -> Option<TaskUpdate> {
    // What tells of a task, or goes through letters, is none.
    let message = (run.definition == WORKFLOW).then(|| message(run, &event.kind))??;
    let completed = matches!(run.status, RunStatus::Completed | RunStatus::Partial);
    Some(TaskUpdate {
        user: Uuid::parse_str(&run.tenant).ok()?,
        task: run.id.0,
        status: run.status,
        message,
        seq: event.seq,
        step: run.step,
        pages_done: run.items.done,
        pages_total: run.items.total,
        result: completed.then(|| result(run)),
        error_code: run.error.as_ref().map(|error| error.code.clone()),
        at: event.at,
    })
}

/// The sentence for an event, if users hear of it.
fn message(run: &RunState, kind: &EventKind) -> Option<String> {
    let items = run.items;
    Some(match kind {
        EventKind::Submitted { .. } => "Task queued for processing".to_owned(),
        EventKind::Started(Attempt { step: 0, attempt: 1, .. }) => "OCR processing started".to_owned(),
        EventKind::Started(Attempt { attempt, .. }) if *attempt > 1 => format!("Attempt {attempt} started"),
        EventKind::Opened { step: position::RECOGNIZE, .. } => format!("Recognising {} page(s)", items.total),
        EventKind::Opened { step: position::UPLOAD_RESULT, .. } => "Uploading the result".to_owned(),
        EventKind::Opened { .. } => "Finishing".to_owned(),
        EventKind::Succeeded { attempt: Attempt { item: Some(_), .. }, .. } => {
            format!("{} of {} page(s) recognised", items.done, items.total)
        }
        EventKind::RetryScheduled { attempt, .. } => format!("Will be tried again (attempt {attempt})"),
        EventKind::DeadLettered { paused: true, error, .. } => {
            format!("Waits for an operator: {}", error.code)
        }
        EventKind::DeadLettered { item: Some(item), error, .. } => {
            format!("Page {} could not be recognised: {}", item + 1, error.code)
        }
        EventKind::Redriven { .. } => "Task queued again".to_owned(),
        EventKind::Cancelled => "Task cancelled".to_owned(),
        EventKind::Completed => "OCR processing completed successfully".to_owned(),
        EventKind::CompletedPartially { failed_items } => {
            format!("OCR processing completed without {failed_items} page(s) that could not be recognised")
        }
        EventKind::RunFailed { message, .. } => format!("OCR processing failed: {message}"),
        EventKind::Started(_)
        | EventKind::Succeeded { .. }
        | EventKind::Failed { .. }
        | EventKind::Lost(_)
        | EventKind::HandedBack(_)
        | EventKind::DeadLettered { .. } => return None,
    })
}

/// The summary that a completed task's update carries.
fn result(run: &RunState) -> Value {
    let output = run.outputs.get(&position::UPLOAD_RESULT).unwrap_or(&Value::Null);
    json!({
        "s3_result_key": output["s3_result_key"],
        "text_length": output["text_length"],
        "confidence": output["confidence"],
    })
}
