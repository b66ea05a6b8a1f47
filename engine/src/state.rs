//! What a run's history adds up to. State is never written but by applying
//! events, so that a history alone is enough to know everything.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::definition::Definition;
use crate::error::{Budget, StepError};
use crate::event::{Attempt, Event, EventKind, OnItemFailure, RedrivenItems};
use crate::id::{RunId, WorkerName};
use crate::retry::Spent;
use crate::time::Timestamp;

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Accepted; no attempt yet.
    Queued,
    /// Attempts are made.
    Processing,
    /// The last thing that happened is a failure that will be retried.
    Retrying,
    /// Done.
    Completed,
    /// Done without the items that died.
    Partial,
    /// Dead-lettered.
    Failed,
    /// Stopped.
    Cancelled,
}

impl RunStatus {
    /// Every status, in the order of their names above.
    pub const ALL: [Self; 7] = [
        Self::Queued,
        Self::Processing,
        Self::Retrying,
        Self::Completed,
        Self::Partial,
        Self::Failed,
        Self::Cancelled,
    ];

    /// Whether nothing will happen to the run any more.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Partial | Self::Failed | Self::Cancelled)
    }

    /// The word for it in SQL, JSON and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Processing => "processing",
            Self::Retrying => "retrying",
            Self::Completed => "completed",
            Self::Partial => "partial",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The status that `word` stands for.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }
}

/// How far the attempts at one slot have come.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Attempts {
    /// Attempts that were claimed and not handed back.
    pub made: u32,
    /// Grows with every claim: a worker whose number is not this one any more
    /// was presumed dead and can't record anything.
    pub epoch: u64,
    /// Who holds it.
    pub holder: Option<WorkerName>,
    /// Not to be claimed before.
    pub due_at: Timestamp,
    /// When the first attempt began.
    pub first_started_at: Option<Timestamp>,
    /// What was drawn from the budgets.
    pub spent: Spent,
    /// How many wait for a person: 1 or 0 for a slot; for a run at a step with
    /// items, how many of those.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub paused: u32,
    /// Of a run: the highest number above 1 that an attempt at any of its slots
    /// has borne.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub highest: u32,
    /// Of a run: attempts are numbered from the one after this, since it was
    /// redriven.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub before: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Attempts {
    fn open(at: Timestamp) -> Self {
        Self { due_at: at, ..Self::default() }
    }

    fn start(&mut self, attempt: &Attempt, at: Timestamp) {
        self.made = attempt.attempt;
        self.epoch += 1;
        self.holder = Some(attempt.worker.clone());
        self.first_started_at.get_or_insert(at);
    }

    fn apply(&mut self, kind: &EventKind, at: Timestamp) {
        match kind {
            EventKind::Started(attempt) => self.start(attempt, at),
            EventKind::Succeeded { .. } => self.holder = None,
            EventKind::Failed { error, .. } => {
                self.holder = None;
                self.spent.draw(error.budget);
            }
            EventKind::Lost(_) => {
                self.holder = None;
                self.spent.draw(Budget::LostWorker);
            }
            EventKind::HandedBack(attempt) => {
                self.holder = None;
                self.made = attempt.attempt.saturating_sub(1);
                self.due_at = at;
            }
            EventKind::RetryScheduled { due_at, .. } => self.due_at = *due_at,
            EventKind::DeadLettered { paused, .. } => {
                self.holder = None;
                self.paused = u32::from(*paused);
            }
            EventKind::Submitted { .. }
            | EventKind::Opened { .. }
            | EventKind::Redriven { .. }
            | EventKind::Cancelled
            | EventKind::Completed
            | EventKind::CompletedPartially { .. }
            | EventKind::RunFailed { .. } => {}
        }
    }
}

/// How many items of the current step there are, and what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemCount {
    /// In all.
    pub total: u32,
    /// Finished.
    pub done: u32,
    /// Dead.
    pub failed: u32,
}

/// The failure that a run shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunError {
    /// Stable code.
    pub code: String,
    /// For people.
    pub message: String,
}

/// A run as its history left it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunState {
    /// Which.
    pub id: RunId,
    /// Name of its definition.
    pub definition: String,
    /// Version of its definition.
    pub version: u32,
    /// Whose it is.
    pub tenant: String,
    /// 1 to 10, 10 most urgent.
    pub priority: u8,
    /// What an item's death means.
    pub on_item_failure: OnItemFailure,
    /// What it was given.
    pub input: Value,
    /// Where it stands.
    pub status: RunStatus,
    /// Position of the step it is at.
    pub step: u16,
    /// Attempts at that step, when it does not fan out.
    pub attempts: Attempts,
    /// Items of the step that fans out; kept after it.
    pub items: ItemCount,
    /// What the steps returned, by position.
    pub outputs: BTreeMap<u16, Value>,
    /// The failure it ended with.
    pub error: Option<RunError>,
    /// `seq` of its last event.
    pub seq: u64,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When its first attempt began.
    pub started_at: Option<Timestamp>,
    /// When its status became terminal.
    pub finished_at: Option<Timestamp>,
}

/// Where an item stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemStatus {
    /// To be attempted.
    Pending,
    /// Finished; never attempted again.
    Done,
    /// Dead.
    Failed,
}

impl ItemStatus {
    /// The word for it in SQL and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    /// The status that `word` stands for.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Pending, Self::Done, Self::Failed].into_iter().find(|status| status.as_str() == word)
    }
}

/// One item of a step that fans out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ItemState {
    /// Position of the step.
    pub step: u16,
    /// Position of the item.
    pub index: u32,
    /// Where it stands.
    pub status: ItemStatus,
    /// Attempts at it.
    pub attempts: Attempts,
    /// Its last failure.
    pub error: Option<RunError>,
}

impl ItemState {
    /// The item as `event` opens it, with `made` attempts behind it. Its epoch
    /// begins at the event's `seq`, which no claim of before can have reached:
    /// each claim is an event of its own.
    #[must_use]
    pub fn open(step: u16, index: u32, made: u32, event: &Event) -> Self {
        let attempts = Attempts { made, epoch: event.seq, ..Attempts::open(event.at) };
        Self { step, index, status: ItemStatus::Pending, attempts, error: None }
    }

    /// Takes `event` in, if it is about this item.
    pub fn apply(&mut self, event: &Event) {
        if let EventKind::Redriven { step, items: RedrivenItems::Reopened(items), attempts_before, .. } =
            &event.kind
            && *step == self.step
            && items.contains(&self.index)
        {
            *self = Self::open(self.step, self.index, *attempts_before, event);
            return;
        }
        if subject(&event.kind) != Some((self.step, Some(self.index))) {
            return;
        }
        self.attempts.apply(&event.kind, event.at);
        match &event.kind {
            EventKind::Succeeded { .. } => {
                self.status = ItemStatus::Done;
                self.error = None;
            }
            EventKind::DeadLettered { error, paused, .. } => {
                if !paused {
                    self.status = ItemStatus::Failed;
                }
                self.error = Some(RunError { code: error.code.clone(), message: error.message.clone() });
            }
            EventKind::Failed { error, .. } => {
                self.error = Some(RunError { code: error.code.clone(), message: error.message.clone() });
            }
            EventKind::Lost(attempt) => {
                let StepError { code, message, .. } = attempt.lost(event.run);
                self.error = Some(RunError { code, message });
            }
            _ => {}
        }
    }
}

/// An item with what its step returned for it.
#[derive(Clone, Debug, PartialEq)]
pub struct ItemOutput {
    /// The item.
    pub state: ItemState,
    /// What its step returned; null unless it is done.
    pub output: Value,
}

/// An item with the length of what its step returned for it.
#[derive(Clone, Debug, PartialEq)]
pub struct ItemSummary {
    /// The item.
    pub state: ItemState,
    /// Bytes of its output as it is stored; 0 unless it is done.
    pub output_bytes: u64,
}

impl From<ItemOutput> for ItemSummary {
    fn from(item: ItemOutput) -> Self {
        let output_bytes = match item.output {
            Value::Null => 0,
            output => output.to_string().len() as u64,
        };
        Self { state: item.state, output_bytes }
    }
}

/// The step and item an event is about, if it is about one.
fn subject(kind: &EventKind) -> Option<(u16, Option<u32>)> {
    match kind {
        EventKind::Started(attempt)
        | EventKind::Lost(attempt)
        | EventKind::HandedBack(attempt)
        | EventKind::Succeeded { attempt, .. }
        | EventKind::Failed { attempt, .. } => Some((attempt.step, attempt.item)),
        EventKind::RetryScheduled { step, item, .. } | EventKind::DeadLettered { step, item, .. } => {
            Some((*step, *item))
        }
        EventKind::Submitted { .. }
        | EventKind::Opened { .. }
        | EventKind::Redriven { .. }
        | EventKind::Cancelled
        | EventKind::Completed
        | EventKind::CompletedPartially { .. }
        | EventKind::RunFailed { .. } => None,
    }
}

impl RunState {
    /// The state after a run's first event; `None` if `first` is not a
    /// submission.
    #[must_use]
    pub fn begin(first: &Event) -> Option<Self> {
        let EventKind::Submitted { definition, version, tenant, priority, on_item_failure, input } =
            &first.kind
        else {
            return None;
        };
        Some(Self {
            id: first.run,
            definition: definition.clone(),
            version: *version,
            tenant: tenant.clone(),
            priority: *priority,
            on_item_failure: *on_item_failure,
            input: input.clone(),
            status: RunStatus::Queued,
            step: 0,
            attempts: Attempts::open(first.at),
            items: ItemCount::default(),
            outputs: BTreeMap::new(),
            error: None,
            seq: first.seq,
            created_at: first.at,
            started_at: None,
            finished_at: None,
        })
    }

    /// The state that `history` adds up to; `None` if it does not begin with a
    /// submission.
    #[must_use]
    pub fn replay(history: &[Event]) -> Option<Self> {
        let (first, rest) = history.split_first()?;
        let mut state = Self::begin(first)?;
        rest.iter().for_each(|event| state.apply(event));
        Some(state)
    }

    /// What the step called `step` of `definition` returned; null if it returned
    /// nothing, or there is no such step.
    #[must_use]
    pub fn output_of(&self, definition: &Definition, step: &str) -> &Value {
        let output = definition.position(step).and_then(|position| self.outputs.get(&position));
        output.unwrap_or(&Value::Null)
    }

    /// Whether something of the run waits for a person.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.attempts.paused > 0
    }

    /// Takes the next event of the history in.
    pub fn apply(&mut self, event: &Event) {
        self.seq = event.seq;
        match subject(&event.kind) {
            Some((_, None)) => self.attempts.apply(&event.kind, event.at),
            Some((_, Some(_))) => self.count_item(&event.kind),
            None => {}
        }
        self.progress(event);
    }

    fn count_item(&mut self, kind: &EventKind) {
        match kind {
            EventKind::Succeeded { .. } => self.items.done += 1,
            EventKind::DeadLettered { paused: true, .. } => self.attempts.paused += 1,
            EventKind::DeadLettered { .. } => self.items.failed += 1,
            _ => {}
        }
    }

    fn progress(&mut self, event: &Event) {
        match &event.kind {
            EventKind::Opened { step, items } => self.open(*step, *items, event.at),
            EventKind::Started(attempt) => {
                self.count_attempt(attempt.attempt);
                // While something of it waits for a person, that is what it shows.
                if !self.is_paused() {
                    self.status = RunStatus::Processing;
                }
                self.started_at.get_or_insert(event.at);
            }
            EventKind::Succeeded { attempt, output } if attempt.item.is_none() && !output.is_null() => {
                self.outputs.insert(attempt.step, output.clone());
            }
            EventKind::RetryScheduled { attempt, .. } => {
                self.count_attempt(*attempt);
                self.status = RunStatus::Retrying;
            }
            EventKind::DeadLettered { error, paused: true, .. } => {
                self.error = Some(RunError { code: error.code.clone(), message: error.message.clone() });
                self.status = RunStatus::Retrying;
            }
            EventKind::Redriven { step, items, attempts_before, input, .. } => {
                self.go_on_from(*step, items, *attempts_before, event.at);
                if let Some(input) = input {
                    self.input = input.clone();
                }
            }
            EventKind::Cancelled => self.finish(RunStatus::Cancelled, event.at),
            EventKind::Completed => self.finish(RunStatus::Completed, event.at),
            EventKind::CompletedPartially { .. } => self.finish(RunStatus::Partial, event.at),
            EventKind::RunFailed { code, message } => {
                self.error = Some(RunError { code: code.clone(), message: message.clone() });
                self.finish(RunStatus::Failed, event.at);
            }
            EventKind::Submitted { .. }
            | EventKind::Succeeded { .. }
            | EventKind::Failed { .. }
            | EventKind::Lost(_)
            | EventKind::HandedBack(_)
            | EventKind::DeadLettered { .. } => {}
        }
    }

    fn open(&mut self, step: u16, items: Option<u32>, at: Timestamp) {
        self.step = step;
        let Attempts { epoch, highest, before, .. } = self.attempts;
        self.attempts = Attempts { made: before, epoch, highest, before, ..Attempts::open(at) };
        if let Some(total) = items {
            self.items = ItemCount { total, done: 0, failed: 0 };
        }
    }

    fn go_on_from(&mut self, step: u16, items: &RedrivenItems, before: u32, at: Timestamp) {
        self.attempts.before = before;
        self.open(step, None, at);
        match items {
            RedrivenItems::Kept => {}
            RedrivenItems::Dropped => self.items = ItemCount::default(),
            RedrivenItems::Reopened(reopened) => {
                // What is done is reopened only together with everything else.
                if reopened.len() == self.items.total as usize {
                    self.items.done = 0;
                }
                self.items.failed = 0;
            }
        }
        self.outputs.retain(|position, _| *position < step);
        self.status = RunStatus::Queued;
        self.error = None;
        self.finished_at = None;
    }

    fn count_attempt(&mut self, number: u32) {
        if number > 1 {
            self.attempts.highest = self.attempts.highest.max(number);
        }
    }

    fn finish(&mut self, status: RunStatus, at: Timestamp) {
        self.status = status;
        self.attempts.paused = 0;
        self.attempts.holder = None;
        self.finished_at = Some(at);
    }
}
