//! What one run's history may not show, judged from its events alone: nothing
//! of the engine decides here what the engine did right.

use std::collections::{HashMap, HashSet};

use untxt_engine::error::Budget;
use untxt_engine::event::{Attempt, Event, EventKind};
use untxt_engine::retry::{DeadReason, RetryPolicy};
use untxt_engine::time::Timestamp;

/// How often what happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) attempts: u64,
    pub(crate) page_attempts: u64,
    pub(crate) pages: u64,
    pub(crate) failed: u64,
    pub(crate) lost: u64,
    pub(crate) handed_back: u64,
    pub(crate) retries: u64,
    pub(crate) dead_letters: u64,
}

impl Counts {
    /// Adds one event.
    pub(crate) fn add(&mut self, kind: &EventKind) {
        match kind {
            EventKind::Started(attempt) => {
                self.attempts += 1;
                self.page_attempts += u64::from(attempt.item.is_some());
            }
            EventKind::Succeeded { attempt, .. } => self.pages += u64::from(attempt.item.is_some()),
            EventKind::Failed { .. } => self.failed += 1,
            EventKind::Lost(_) => self.lost += 1,
            EventKind::HandedBack(_) => self.handed_back += 1,
            EventKind::RetryScheduled { .. } => self.retries += 1,
            EventKind::DeadLettered { .. } => self.dead_letters += 1,
            _ => {}
        }
    }
}

/// What is wrong with the whole history of one run, in its order.
pub(crate) fn faults(events: &[Event]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut ends = 0;
    let mut slots: HashMap<(u16, Option<u32>), SlotState> = HashMap::new();
    for (expected, event) in (1..).zip(events) {
        if event.seq != expected {
            faults.push(format!("event {} stands where {expected} should", event.seq));
        }
        if ends > 0 {
            faults.push(format!("event {} comes after the end", event.seq));
        }
        ends += u32::from(is_end(&event.kind));
        if let Some((attempt, step)) = step_of(&event.kind) {
            let slot = slots.entry((attempt.step, attempt.item)).or_default();
            faults.extend(slot.take(attempt, step).map(|fault| describe(event.seq, attempt, fault)));
        }
    }
    if ends != 1 {
        faults.push(format!("it ended {ends} times"));
    }
    let held = slots.iter().filter(|(_, slot)| slot.holder.is_some());
    faults.extend(held.map(|((step, item), _)| format!("step {step} item {item:?} is still held")));
    faults
}

fn is_end(kind: &EventKind) -> bool {
    matches!(
        kind,
        EventKind::Completed
            | EventKind::CompletedPartially { .. }
            | EventKind::RunFailed { .. }
            | EventKind::Cancelled
    )
}

/// When a claim that was lost was claimed again, last.
pub(crate) fn begun_again(events: &[Event]) -> Option<Timestamp> {
    let mut lost = HashSet::new();
    let mut last = None;
    for event in events {
        match &event.kind {
            EventKind::Lost(attempt) => drop(lost.insert((attempt.step, attempt.item))),
            EventKind::Started(attempt) if lost.remove(&(attempt.step, attempt.item)) => {
                last = Some(event.at)
            }
            _ => {}
        }
    }
    last
}

/// Whether the run failed because one of its slots had as many failures or lost
/// workers as its policy allows, and one more: the faults of a campaign can be
/// that many, and a dead letter is then what was promised.
pub(crate) fn spent_a_budget(events: &[Event]) -> bool {
    events.iter().any(|event| match &event.kind {
        EventKind::DeadLettered { step, item, reason: DeadReason::BudgetSpent { budget }, .. } => {
            draws(events, (*step, *item), *budget) > allowed(*budget)
        }
        _ => false,
    })
}

fn draws(events: &[Event], slot: (u16, Option<u32>), from: Budget) -> usize {
    let drawn = events.iter().filter(|event| match &event.kind {
        EventKind::Lost(attempt) => from == Budget::LostWorker && (attempt.step, attempt.item) == slot,
        EventKind::Failed { attempt, error } => error.budget == from && (attempt.step, attempt.item) == slot,
        _ => false,
    });
    drawn.count()
}

/// What the steps of the product allow themselves.
fn allowed(budget: Budget) -> usize {
    let budgets = RetryPolicy::default().budgets;
    let allowed = match budget {
        Budget::Transport => budgets.transport,
        Budget::Throttle => budgets.throttle,
        Budget::Content => budgets.content,
        Budget::LostWorker => budgets.lost_worker,
    };
    allowed as usize
}

/// What an event means for the slot it is about.
#[derive(Clone, Copy)]
enum Turn {
    Begun,
    Done,
    GivenUp,
}

fn step_of(kind: &EventKind) -> Option<(&Attempt, Turn)> {
    match kind {
        EventKind::Started(attempt) => Some((attempt, Turn::Begun)),
        EventKind::Succeeded { attempt, .. } => Some((attempt, Turn::Done)),
        EventKind::Failed { attempt, .. } | EventKind::Lost(attempt) | EventKind::HandedBack(attempt) => {
            Some((attempt, Turn::GivenUp))
        }
        _ => None,
    }
}

#[derive(Default)]
struct SlotState {
    done: bool,
    holder: Option<Attempt>,
}

impl SlotState {
    fn take(&mut self, attempt: &Attempt, turn: Turn) -> Option<&'static str> {
        match turn {
            Turn::Begun if self.done => Some("was begun again after it was done"),
            Turn::Begun if self.holder.is_some() => Some("was begun while somebody held it"),
            Turn::Begun => {
                self.holder = Some(attempt.clone());
                None
            }
            Turn::Done if self.done => Some("was done twice"),
            Turn::Done | Turn::GivenUp if self.holder.as_ref() != Some(attempt) => {
                Some("was ended by somebody who did not hold it")
            }
            Turn::Done | Turn::GivenUp => {
                self.done = matches!(turn, Turn::Done);
                self.holder = None;
                None
            }
        }
    }
}

fn describe(seq: u64, attempt: &Attempt, fault: &str) -> String {
    let Attempt { step, item, attempt, worker } = attempt;
    let page = item.map(|item| format!(" page {}", item + 1)).unwrap_or_default();
    format!("event {seq}: step {step}{page} {fault} (attempt {attempt} by {worker})")
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use untxt_engine::error::StepError;
    use untxt_engine::id::{RunId, WorkerName};

    use super::*;

    fn attempt(attempt: u32) -> Attempt {
        let worker = WorkerName::from(format!("w-{attempt}"));
        Attempt { step: 1, item: Some(0), attempt, worker }
    }

    fn started(number: u32) -> EventKind {
        EventKind::Started(attempt(number))
    }

    fn succeeded(number: u32) -> EventKind {
        EventKind::Succeeded { attempt: attempt(number), output: Value::Null }
    }

    fn history(kinds: Vec<EventKind>) -> Vec<Event> {
        let run = RunId::new();
        (1..).zip(kinds).map(|(seq, kind)| Event { run, seq, at: Timestamp(0), kind }).collect()
    }

    fn judge(kinds: Vec<EventKind>) -> Vec<String> {
        faults(&history(kinds))
    }

    #[test]
    fn a_dead_letter_is_believed_only_after_as_many_lost_workers_as_allowed() {
        let lost = |times: u32| {
            let mut kinds: Vec<EventKind> =
                (1..=times).flat_map(|n| [started(n), EventKind::Lost(attempt(n))]).collect();
            let error = StepError::retry(Budget::LostWorker, "WORKER_LOST", "");
            let reason = DeadReason::BudgetSpent { budget: Budget::LostWorker };
            kinds.push(EventKind::DeadLettered {
                step: 1,
                item: Some(0),
                attempts: times,
                reason,
                error,
                paused: false,
            });
            spent_a_budget(&history(kinds))
        };
        assert!(lost(4));
        assert!(!lost(3));
    }

    #[test]
    fn a_lost_attempt_and_another_that_did_it_are_no_fault() {
        let lost = EventKind::Lost(attempt(1));
        let none = judge(vec![started(1), lost, started(2), succeeded(2), EventKind::Completed]);
        assert_eq!(none, [""; 0]);
    }

    #[test]
    fn what_is_done_twice_or_ended_twice_is_found() {
        let end = EventKind::Completed;
        let found = |kinds, what: &str| {
            let faults = judge(kinds);
            assert!(faults.iter().any(|fault| fault.contains(what)), "{what}: {faults:?}");
        };
        found(vec![started(1), succeeded(1), started(2), end.clone()], "begun again after it was done");
        found(vec![started(1), started(2), end.clone()], "begun while somebody held it");
        found(vec![started(1), succeeded(2), end.clone()], "did not hold it");
        found(vec![started(1), succeeded(1), succeeded(1), end.clone()], "done twice");
        found(vec![started(1), end.clone()], "still held");
        found(vec![end.clone(), end], "ended 2 times");
        found(vec![started(1)], "ended 0 times");
    }
}
