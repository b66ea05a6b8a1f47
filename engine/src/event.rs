//! What can have happened to a run. This is a stored format: it only grows,
//! and a name once used never means something else.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Budget, StepError};
use crate::id::{RunId, Slot, WorkerName};
use crate::retry::DeadReason;
use crate::time::Timestamp;

/// One line of a run's history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Whose history.
    pub run: RunId,
    /// Place in it: 1, 2, 3 … without a gap.
    pub seq: u64,
    /// When it was decided.
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What happens to a run when an item of it is dead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnItemFailure {
    /// The run fails with it.
    #[default]
    Fail,
    /// The run goes on with the others and ends as `partial`.
    Partial,
}

/// Which attempt at what, by whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Position of the step.
    pub step: u16,
    /// Position of the item, when the step has items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<u32>,
    /// From 1.
    pub attempt: u32,
    /// Who held it.
    pub worker: WorkerName,
}

/// What a redrive does about the items of the step that fans out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RedrivenItems {
    /// They stay as they are: it goes on after them, or there were none.
    #[default]
    Kept,
    /// They are no more: it goes on before them, and the step names them anew.
    Dropped,
    /// These are attempted again; the others stay as they are.
    Reopened(Vec<u32>),
}

impl Attempt {
    /// How it failed, should its worker have vanished.
    #[must_use]
    pub fn lost(&self, run: RunId) -> StepError {
        let slot = Slot { run, step: self.step, item: self.item };
        let message =
            format!("worker {} vanished while it held attempt {} ({slot})", self.worker, self.attempt);
        StepError::retry(Budget::LostWorker, "WORKER_LOST", message)
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", content = "data", rename_all = "snake_case")]
pub enum EventKind {
    /// The run was accepted.
    Submitted {
        /// Name of its definition.
        definition: String,
        /// Version of its definition.
        version: u32,
        /// Whose it is.
        tenant: String,
        /// 1 to 10, 10 most urgent.
        priority: u8,
        /// What an item's death means.
        #[serde(default)]
        on_item_failure: OnItemFailure,
        /// What it was given.
        input: Value,
    },
    /// A step can be claimed from now on.
    Opened {
        /// Position of the step.
        step: u16,
        /// How many items it has, when it has items.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        items: Option<u32>,
    },
    /// A worker claimed it; the attempt counts from here.
    Started(Attempt),
    /// The attempt did it.
    Succeeded {
        /// Which.
        #[serde(flatten)]
        attempt: Attempt,
        /// What it returned; for an item it stands with the item instead.
        #[serde(default, skip_serializing_if = "Value::is_null")]
        output: Value,
    },
    /// The attempt failed.
    Failed {
        /// Which.
        #[serde(flatten)]
        attempt: Attempt,
        /// How.
        error: StepError,
    },
    /// The attempt's worker vanished.
    Lost(Attempt),
    /// The worker gave it back unbegun or unfinished (a drain); the attempt does
    /// not count.
    HandedBack(Attempt),
    /// There will be another attempt.
    RetryScheduled {
        /// Position of the step.
        step: u16,
        /// Position of the item, when the step has items.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        item: Option<u32>,
        /// Which attempt it will be.
        attempt: u32,
        /// Not before.
        due_at: Timestamp,
    },
    /// There will be no other attempt.
    DeadLettered {
        /// Position of the step.
        step: u16,
        /// Position of the item, when the step has items.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        item: Option<u32>,
        /// Attempts made.
        attempts: u32,
        /// Why it is the end.
        #[serde(flatten)]
        reason: DeadReason,
        /// The last failure.
        error: StepError,
        /// Whether the run waits for a person because of it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        paused: bool,
    },
    /// Somebody had the run go on, after it ended or while it waited for a
    /// person.
    Redriven {
        /// Position of the step from which it goes on.
        step: u16,
        /// What that means for the items.
        #[serde(default)]
        items: RedrivenItems,
        /// Attempts at whatever is opened from here on are numbered from the one
        /// after this: no delivery of before is ever a delivery again.
        attempts_before: u32,
        /// What the steps are given from here on, when that changes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        input: Option<Value>,
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
    /// Somebody stopped the run.
    Cancelled,
    /// Every step is done.
    Completed,
    /// Every step is done, without the items that died.
    CompletedPartially {
        /// How many died.
        failed_items: u32,
    },
    /// The run can't be completed.
    RunFailed {
        /// Code of the failure that ended it.
        code: String,
        /// Its message.
        message: String,
    },
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    fn attempt(item: Option<u32>) -> Attempt {
        Attempt { step: 1, item, attempt: 2, worker: WorkerName::from("w-1".to_owned()) }
    }

    /// One of each kind with everything that it may hold, then those that may hold
    /// less.
    fn kinds() -> Vec<EventKind> {
        let error = StepError::retry(Budget::Throttle, "BUSY", "come back").after_ms(250);
        let dead = |item, reason, paused| EventKind::DeadLettered {
            step: 1,
            item,
            attempts: 3,
            reason,
            error: StepError::permanent("BAD", "no"),
            paused,
        };
        let redriven = |items, input, reason: &str| EventKind::Redriven {
            step: 1,
            items,
            attempts_before: 3,
            input,
            by: "cli:ann".to_owned(),
            reason: reason.to_owned(),
        };
        let submitted = |on_item_failure| EventKind::Submitted {
            definition: "ocr".to_owned(),
            version: 1,
            tenant: "ann".to_owned(),
            priority: 5,
            on_item_failure,
            input: json!({ "pages": 3 }),
        };
        vec![
            submitted(OnItemFailure::Partial),
            EventKind::Opened { step: 1, items: Some(5) },
            EventKind::Started(attempt(Some(4))),
            EventKind::Succeeded { attempt: attempt(Some(4)), output: json!({ "words": 7 }) },
            EventKind::Failed { attempt: attempt(Some(4)), error },
            EventKind::Lost(attempt(Some(4))),
            EventKind::HandedBack(attempt(Some(4))),
            EventKind::RetryScheduled { step: 1, item: Some(4), attempt: 3, due_at: Timestamp(1_500) },
            dead(Some(4), DeadReason::BudgetSpent { budget: Budget::LostWorker }, true),
            redriven(RedrivenItems::Reopened(vec![4]), Some(json!({})), "the disk is new"),
            EventKind::Cancelled,
            EventKind::Completed,
            EventKind::CompletedPartially { failed_items: 1 },
            EventKind::RunFailed { code: "BAD".to_owned(), message: "no".to_owned() },
            submitted(OnItemFailure::Fail),
            EventKind::Opened { step: 2, items: None },
            EventKind::Started(attempt(None)),
            EventKind::Succeeded { attempt: attempt(None), output: Value::Null },
            dead(None, DeadReason::Permanent, false),
            dead(None, DeadReason::ElapsedLimit, false),
            dead(None, DeadReason::Unreadable, false),
            redriven(RedrivenItems::Kept, None, ""),
            redriven(RedrivenItems::Dropped, None, ""),
        ]
    }

    /// A kind that is missing above does not compile here, or is not counted.
    fn number(kind: &EventKind) -> usize {
        match kind {
            EventKind::Submitted { .. } => 0,
            EventKind::Opened { .. } => 1,
            EventKind::Started(_) => 2,
            EventKind::Succeeded { .. } => 3,
            EventKind::Failed { .. } => 4,
            EventKind::Lost(_) => 5,
            EventKind::HandedBack(_) => 6,
            EventKind::RetryScheduled { .. } => 7,
            EventKind::DeadLettered { .. } => 8,
            EventKind::Redriven { .. } => 9,
            EventKind::Cancelled => 10,
            EventKind::Completed => 11,
            EventKind::CompletedPartially { .. } => 12,
            EventKind::RunFailed { .. } => 13,
        }
    }

    /// This is a stored format: a line may be added, and none may change.
    #[test]
    fn the_stored_form_of_each_event_stays_what_it_is() {
        let kinds = kinds();
        assert_eq!(kinds.iter().take(14).map(number).collect::<Vec<_>>(), (0..14).collect::<Vec<_>>());
        let mut stored = String::new();
        for (seq, kind) in (1..).zip(kinds) {
            let event = Event { run: RunId(Uuid::from_u128(7)), seq, at: Timestamp(1_000), kind };
            let text = serde_json::to_string(&event).unwrap();
            assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), event, "it is read as it was written");
            stored += &(text + "\n");
        }
        insta::assert_snapshot!(stored);
    }
}
