//! Events as their users hear of them: which task, which status, in a sentence.

use async_trait::async_trait;
use lru::LruCache;
use serde_json::{Value, json};
use untxt_engine::engine::Engine;
use untxt_engine::event::{Attempt, Event, EventKind};
use untxt_engine::id::RunId;
use untxt_engine::journal::JournalError;
use untxt_engine::state::{RunState, RunStatus};
use untxt_engine::time::Timestamp;
use uuid::Uuid;

use crate::ocr::{self, WORKFLOW};

/// Runs whose state is kept between their events, some kilobytes each: more than
/// are in work at once for those who listen.
const RUNS_MAX: usize = 10_000;

/// Runs of which it is known whose they are, about a hundred bytes each: as many
/// as wait and are worked on in a large installation.
const OWNERS_MAX: usize = 50_000;

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

/// Where the past of a run can be read.
#[async_trait]
pub trait Past: Sync {
    /// The run's events after `after_seq`, in order, at most `limit`.
    ///
    /// # Errors
    /// Those of [`Engine::history`].
    async fn history(&self, run: RunId, after_seq: u64, limit: u32) -> Result<Vec<Event>, JournalError>;

    /// Whose task the run is; `None` if it is not there, or no task.
    ///
    /// # Errors
    /// Those of [`Engine::run`].
    async fn owner(&self, run: RunId) -> Result<Option<Uuid>, JournalError>;
}

#[async_trait]
impl Past for Engine {
    async fn history(&self, run: RunId, after_seq: u64, limit: u32) -> Result<Vec<Event>, JournalError> {
        Self::history(self, run, after_seq, limit).await
    }

    async fn owner(&self, run: RunId) -> Result<Option<Uuid>, JournalError> {
        match self.run(run).await {
            Ok(state) => Ok(state.and_then(|state| owner(&state.definition, &state.tenant))),
            // Nothing can be told of it, to nobody.
            Err(JournalError::Corrupt(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Whose task a run is, by its workflow and its tenant. What tells of a task, or
/// goes through letters, is none.
fn owner(definition: &str, tenant: &str) -> Option<Uuid> {
    (definition == WORKFLOW).then(|| Uuid::parse_str(tenant).ok())?
}

/// Knows whose tasks runs are, of those that were heard of last.
#[derive(Debug)]
pub struct Owners {
    known: LruCache<RunId, Option<Uuid>>,
}

impl Default for Owners {
    fn default() -> Self {
        Self { known: LruCache::unbounded() }
    }
}

impl Owners {
    /// Whose task `event` is about; `None` if it is about no task. Reads nothing
    /// of a run whose submission was heard of, and otherwise once.
    ///
    /// # Errors
    /// Those of [`Past::owner`].
    pub async fn of(&mut self, past: &impl Past, event: &Event) -> Result<Option<Uuid>, JournalError> {
        if let Some(known) = self.known.get(&event.run) {
            return Ok(*known);
        }
        let found = match &event.kind {
            EventKind::Submitted { definition, tenant, .. } => owner(definition, tenant),
            _ => past.owner(event.run).await?,
        };
        self.known.put(event.run, found);
        if self.known.len() > OWNERS_MAX {
            self.known.pop_lru();
        }
        Ok(found)
    }
}

/// Tells the story of runs from their events, in order.
#[derive(Debug)]
pub struct UpdateProjector {
    states: LruCache<RunId, RunState>,
    states_max: usize,
    /// Whether a run that has ended may go on in what is still to be told.
    goes_on: bool,
}

impl Default for UpdateProjector {
    fn default() -> Self {
        Self { states: LruCache::unbounded(), states_max: RUNS_MAX, goes_on: false }
    }
}

impl UpdateProjector {
    /// For whole histories, one run after the other.
    #[must_use]
    pub fn of_histories() -> Self {
        Self { states: LruCache::unbounded(), states_max: 1, goes_on: true }
    }

    /// What `event` means to its user; `None` if nothing.
    ///
    /// # Errors
    /// [`JournalError::Unavailable`] when the run was not heard of before and
    /// its past can't be read; the same event may be told again.
    pub async fn tell(
        &mut self,
        past: &impl Past,
        event: &Event,
    ) -> Result<Option<TaskUpdate>, JournalError> {
        // Events that were not told leave a state behind that is out of date.
        let known = self.states.peek(&event.run).is_some_and(|state| event.seq <= state.seq + 1);
        if !known {
            match before(past, event).await? {
                Some(state) => self.states.put(event.run, state),
                None => return Ok(None),
            };
            // The one that was not heard of for the longest time is read again when
            // it is heard of.
            if self.states.len() > self.states_max {
                self.states.pop_lru();
            }
        }
        let Some(state) = self.states.get_mut(&event.run) else { return Ok(None) };
        if event.seq > state.seq {
            state.apply(event);
        }
        let update = update(state, event);
        if state.status.is_terminal() && !self.goes_on {
            self.states.pop(&event.run);
        }
        Ok(update)
    }
}

/// The state that `event` found (or made, if it is the first). `None` if the
/// run has been erased, or its history pruned.
async fn before(past: &impl Past, event: &Event) -> Result<Option<RunState>, JournalError> {
    if event.seq == 1 {
        return Ok(RunState::begin(event));
    }
    let mut history = Vec::new();
    while history.last().map_or(0, |last: &Event| last.seq) + 1 < event.seq {
        let after = history.last().map_or(0, |last| last.seq);
        let more = match past.history(event.run, after, HISTORY_AT_ONCE).await {
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
    let user = owner(&run.definition, &run.tenant)?;
    let message = message(run, &event.kind)?;
    let completed = matches!(run.status, RunStatus::Completed | RunStatus::Partial);
    Some(TaskUpdate {
        user,
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
        EventKind::Opened { step, .. } => match ocr::definition().step_name(*step) {
            ocr::RECOGNIZE => format!("Recognising {} page(s)", items.total),
            ocr::UPLOAD_RESULT => "Uploading the result".to_owned(),
            _ => "Finishing".to_owned(),
        },
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

/// The summary that a completed task's update carries; of warnings only where there
/// are any, since clients of the first version know three fields.
fn result(run: &RunState) -> Value {
    let output = run.output_of(ocr::definition(), ocr::UPLOAD_RESULT);
    let mut result = json!({
        "s3_result_key": output["s3_result_key"],
        "text_length": output["text_length"],
        "confidence": output["confidence"],
    });
    if output["warning_count"].as_u64().is_some_and(|count| count > 0) {
        result["warnings"] = output["warnings"].clone();
        result["warning_count"] = output["warning_count"].clone();
    }
    result
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use untxt_engine::new_run::NewRun;

    use super::*;

    /// A past that counts how often it is read.
    #[derive(Default)]
    struct Counted {
        events: Vec<Event>,
        reads: AtomicUsize,
    }

    #[async_trait]
    impl Past for Counted {
        async fn history(&self, run: RunId, after_seq: u64, _: u32) -> Result<Vec<Event>, JournalError> {
            self.reads.fetch_add(1, Ordering::Relaxed);
            let of_run = self.events.iter().filter(|event| event.run == run && event.seq > after_seq);
            Ok(of_run.cloned().collect())
        }

        async fn owner(&self, _: RunId) -> Result<Option<Uuid>, JournalError> {
            self.reads.fetch_add(1, Ordering::Relaxed);
            Ok(None)
        }
    }

    impl Counted {
        fn reads(&self) -> usize {
            self.reads.load(Ordering::Relaxed)
        }
    }

    fn submitted(run: RunId) -> Event {
        let new = NewRun { id: run, ..NewRun::new(WORKFLOW, Uuid::from_u128(9), Value::Null) };
        new.submitted(1, Timestamp(0))
    }

    fn opened(run: RunId, seq: u64) -> Event {
        Event { run, seq, at: Timestamp(0), kind: EventKind::Opened { step: 3, items: None } }
    }

    #[tokio::test]
    async fn of_too_many_runs_the_one_not_heard_of_for_the_longest_time_is_forgotten() {
        let runs: Vec<RunId> = (0..4).map(|n| RunId(Uuid::from_u128(n))).collect();
        let past = Counted { events: runs.iter().map(|run| submitted(*run)).collect(), ..Counted::default() };
        let mut projector = UpdateProjector { states_max: 3, ..UpdateProjector::default() };
        for run in &runs[..3] {
            assert!(projector.tell(&past, &submitted(*run)).await.unwrap().is_some());
        }
        projector.tell(&past, &opened(runs[0], 2)).await.unwrap();
        projector.tell(&past, &submitted(runs[3])).await.unwrap();
        assert_eq!(past.reads(), 0);
        for kept in [0, 2, 3] {
            let seq = if kept == 0 { 3 } else { 2 };
            assert!(projector.tell(&past, &opened(runs[kept], seq)).await.unwrap().is_some());
            assert_eq!(past.reads(), 0, "{kept}");
        }
        assert!(projector.tell(&past, &opened(runs[1], 2)).await.unwrap().is_some());
        assert_eq!(past.reads(), 1);
    }

    #[tokio::test]
    async fn whose_a_run_is_costs_a_read_only_where_its_submission_was_not_heard() {
        let (past, mut owners) = (Counted::default(), Owners::default());
        let (heard, other) = (RunId(Uuid::from_u128(1)), RunId(Uuid::from_u128(2)));
        for event in [submitted(heard), opened(heard, 2), opened(heard, 3)] {
            assert_eq!(owners.of(&past, &event).await.unwrap(), Some(Uuid::from_u128(9)));
        }
        assert_eq!(past.reads(), 0);
        for seq in 5..9 {
            assert_eq!(owners.of(&past, &opened(other, seq)).await.unwrap(), None);
        }
        assert_eq!(past.reads(), 1);
    }
}
