//! What a submission or an order leaves behind, worked out in memory. Every
//! journal writes down exactly what this says, inside its own transaction.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use serde_json::{Value, json};

use super::audit::AuditEntry;
use super::dead_letters::{DeadLetter, DeadLetterStatus, Settlement, Settling};
use super::{CommandRequest, Committed, JournalError};
use crate::decide::{Command, Dead, Discard, Done, Outcome, Situation, decide, deliveries};
use crate::definition::{Definition, Spread};
use crate::event::{Event, EventKind};
use crate::fingerprint::fingerprint;
use crate::id::dead_letter_id;
use crate::new_run::NewRun;
use crate::rows::RowChange;
use crate::state::{ItemState, ItemStatus, RunState};
use crate::time::{Clock, Timestamp};
use crate::workflow::Workflows;

/// What deciding needs besides the run: the workflows, the time, chance.
pub(super) struct Rules {
    pub(super) workflows: Workflows,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) jitter: fn() -> f64,
}

/// All that is to be written for one submission or one order.
#[derive(Clone, Debug)]
pub(super) struct Transition {
    /// The run after it.
    pub(super) run: RunState,
    /// The item it was about, after it.
    pub(super) item: Option<ItemState>,
    /// What that item returned, if it is done by this.
    pub(super) output: Option<Value>,
    /// Items that came to be.
    pub(super) opened: Vec<ItemState>,
    /// The events, in order.
    pub(super) events: Vec<Event>,
    /// What died.
    pub(super) dead_letters: Vec<DeadLetter>,
    /// What becomes of letters that waited.
    pub(super) settling: Option<Settling>,
    /// What an operator did by it.
    pub(super) audit: Option<AuditEntry>,
    /// The product's rows.
    pub(super) rows: Vec<RowChange>,
    /// Runs that begin with it.
    pub(super) begun: Vec<Transition>,
}

impl Transition {
    pub(super) fn committed(self) -> Committed {
        let deliveries = deliveries(&self.run, &self.events);
        let begun = self.begun.into_iter().map(Self::committed).collect();
        Committed { run: self.run, item: self.item, events: self.events, deliveries, begun }
    }
}

impl Rules {
    pub(super) fn begin(&self, new: &NewRun) -> Result<Transition, JournalError> {
        let definition = self.definition(new.definition)?;
        let first = new.submitted(definition.version(), self.clock.now());
        let run = RunState::begin(&first)
            .ok_or_else(|| JournalError::Corrupt(format!("run {} begins with no submission", new.id)))?;
        let events = vec![first];
        let rows = new.rows.iter().cloned().chain(self.projected(&run, &events)).collect();
        Ok(self.with_rows(run, None, None, events, rows))
    }

    pub(super) fn transition(
        &self,
        run: &RunState,
        item: Option<&ItemState>,
        dead: &Dead,
        request: &CommandRequest,
    ) -> Result<Transition, JournalError> {
        let definition = self.definition(&run.definition)?;
        let now = self.clock.now();
        let situation = Situation { definition, run, item, dead, now, jitter: (self.jitter)() };
        let kinds = decide(situation, &request.command)?;
        let (mut run, mut item) = (run.clone(), item.cloned());
        let mut events = Vec::with_capacity(kinds.len());
        for kind in kinds {
            let event = Event { run: run.id, seq: run.seq + 1, at: now, kind };
            run.apply(&event);
            if let Some(item) = &mut item {
                item.apply(&event);
            }
            events.push(event);
        }
        let output = item.as_ref().and_then(|item| output_of(item, &request.command));
        let projected = match &request.command {
            Command::SetAside { slot, .. } if slot.item.is_none() => self.set_aside(&run, now),
            _ => self.projected(&run, &events),
        };
        let rows = request.rows.iter().cloned().chain(projected).collect();
        let transition = self.with_rows(run, item, output, events, rows);
        let (settling, audit) = (settling(&transition.run, request, now), audited(&transition, request, now));
        let begun = match &request.command {
            // What the run was given may be what can't be read.
            Command::SetAside { .. } => careful(|| self.begun_with(&transition)).unwrap_or(Ok(Vec::new()))?,
            _ => self.begun_with(&transition)?,
        };
        Ok(Transition { settling, audit, begun, ..transition })
    }

    fn begun_with(&self, transition: &Transition) -> Result<Vec<Transition>, JournalError> {
        let Some(projection) = self.workflows.projection(&transition.run.definition) else {
            return Ok(Vec::new());
        };
        projection.follow_ups(&transition.run, &transition.events).iter().map(|new| self.begin(new)).collect()
    }

    pub(super) fn definition(&self, name: &str) -> Result<&Definition, JournalError> {
        self.workflows.definition(name).ok_or_else(|| JournalError::UnknownDefinition(name.to_owned()))
    }

    fn projected(&self, run: &RunState, events: &[Event]) -> Vec<RowChange> {
        let projection = self.workflows.projection(&run.definition);
        projection.map(|projection| projection.rows(run, events)).unwrap_or_default()
    }

    fn set_aside(&self, run: &RunState, at: Timestamp) -> Vec<RowChange> {
        let projection = self.workflows.projection(&run.definition).zip(run.error.as_ref());
        let rows =
            projection.and_then(|(projection, error)| careful(|| projection.set_aside(run.id, error, at)));
        rows.unwrap_or_default()
    }

    fn with_rows(
        &self,
        run: RunState,
        item: Option<ItemState>,
        output: Option<Value>,
        events: Vec<Event>,
        rows: Vec<RowChange>,
    ) -> Transition {
        let opened = events.iter().flat_map(|event| opened_items(&run, event)).collect();
        let dead_letters = events.iter().filter_map(|event| self.dead_letter(&run, event)).collect();
        let (settling, audit, begun) = (None, None, Vec::new());
        Transition { run, item, output, opened, events, dead_letters, settling, audit, rows, begun }
    }

    fn dead_letter(&self, run: &RunState, event: &Event) -> Option<DeadLetter> {
        let EventKind::DeadLettered { step, item, attempts, reason, error, .. } = &event.kind else {
            return None;
        };
        let definition = self.workflows.definition(&run.definition);
        let step_name = definition.map_or("", |definition| definition.step_name(*step));
        let projection = self.workflows.projection(&run.definition);
        Some(DeadLetter {
            id: dead_letter_id(run.id, event.seq),
            run: run.id,
            definition: run.definition.clone(),
            tenant: run.tenant.clone(),
            step: *step,
            step_name: step_name.to_owned(),
            item: *item,
            reason: *reason,
            attempts: *attempts,
            digest: projection.and_then(|projection| careful(|| projection.digest(run)).flatten()),
            fingerprint: fingerprint(&run.definition, step_name, &error.code, &error.message),
            error: error.clone(),
            at: event.at,
            status: DeadLetterStatus::Waiting,
            settled: None,
        })
    }
}

/// What `ask` says; `None` where it panics.
fn careful<T>(ask: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(ask)).ok()
}

/// The item `command` is about: position of its step and its own.
pub(super) fn item_of(command: &Command) -> Option<(u16, u32)> {
    let slot = match command {
        Command::Claim { delivery, .. } => delivery.slot,
        Command::Finish { claim, .. } | Command::Lose { claim } | Command::HandBack { claim } => claim.slot,
        Command::Discard(Discard { letter: (step, item), .. }) => return item.map(|item| (*step, item)),
        Command::SetAside { slot, .. } => *slot,
        Command::RetryNow(order) | Command::GiveUp(order, _) => {
            return order.item.map(|item| (order.step, item));
        }
        Command::Cancel | Command::Redrive(_) => return None,
    };
    slot.item.map(|item| (slot.step, item))
}

/// Whether `command` comes from whoever holds the run's own slot or is about to:
/// nobody else is expected to move the run meanwhile.
pub(super) fn alone_with_it(command: &Command) -> bool {
    match command {
        Command::Claim { delivery, .. } => delivery.slot.item.is_none(),
        Command::Finish { claim, .. } => claim.slot.item.is_none(),
        Command::Lose { .. }
        | Command::HandBack { .. }
        | Command::Cancel
        | Command::Redrive(_)
        | Command::Discard(_)
        | Command::RetryNow(_)
        | Command::GiveUp(..)
        | Command::SetAside { .. } => false,
    }
}

/// When the run's own slot may be claimed; `None` while somebody holds it, while
/// its items are claimed instead, while the run waits for a person, and once it
/// has ended.
pub(super) fn run_due_at(definition: Option<&Definition>, run: &RunState) -> Option<Timestamp> {
    let step = definition.and_then(|definition| definition.step(run.step));
    let spread = step.is_some_and(|step| step.spread == Spread::PerItem);
    let open = !run.status.is_terminal() && !run.is_paused() && !spread && run.attempts.holder.is_none();
    open.then_some(run.attempts.due_at)
}

/// When the item may be claimed, as long as its run has not ended; `None` while
/// somebody holds it or it waits for a person.
pub(super) fn item_due_at(item: &ItemState) -> Option<Timestamp> {
    let waits = item.attempts.holder.is_some() || item.attempts.paused > 0;
    let open = item.status == ItemStatus::Pending && !waits;
    open.then_some(item.attempts.due_at)
}

fn output_of(item: &ItemState, command: &Command) -> Option<Value> {
    match command {
        Command::Finish { outcome: Outcome::Done(Done { output, .. }), .. }
            if item.status == ItemStatus::Done =>
        {
            Some(output.clone())
        }
        _ => None,
    }
}

fn opened_items(run: &RunState, event: &Event) -> Vec<ItemState> {
    match event.kind {
        EventKind::Opened { step, items: Some(count) } => {
            (0..count).map(|index| ItemState::open(step, index, run.attempts.before, event)).collect()
        }
        _ => Vec::new(),
    }
}

/// What `order` means for the run's letters: a redrive answers all that wait, a
/// discard one, and nobody can redrive what was cancelled.
fn settling(run: &RunState, request: &CommandRequest, at: Timestamp) -> Option<Settling> {
    let settle = |slot, status, by: &str, why: &str, bulk| {
        let settlement = Settlement { at, by: by.to_owned(), why: why.to_owned(), bulk };
        Some(Settling { run: run.id, slot, status, settlement })
    };
    match &request.command {
        Command::Redrive(redrive) => {
            settle(None, DeadLetterStatus::Redriven, &redrive.by, &redrive.reason, redrive.bulk)
        }
        Command::Discard(discard) => {
            let slot = Some(discard.letter);
            settle(slot, DeadLetterStatus::Discarded, &discard.by, &discard.reason, discard.bulk)
        }
        Command::Cancel => settle(None, DeadLetterStatus::Discarded, "untxt", "the run was cancelled", None),
        Command::Claim { .. }
        | Command::Finish { .. }
        | Command::Lose { .. }
        | Command::HandBack { .. }
        | Command::RetryNow(_)
        | Command::GiveUp(..)
        | Command::SetAside { .. } => None,
    }
}

fn audited(transition: &Transition, request: &CommandRequest, at: Timestamp) -> Option<AuditEntry> {
    let subject = format!("run {}", transition.run.id);
    match &request.command {
        Command::Redrive(redrive) => {
            let redriven = transition.events.iter().find_map(|event| match &event.kind {
                EventKind::Redriven { step, items, .. } => Some((*step, items)),
                _ => None,
            });
            let (step, items) = redriven?;
            let detail = json!({
                "step": step,
                "items": items,
                "otherInput": redrive.input.is_some(),
                "reason": redrive.reason,
                "bulk": redrive.bulk,
            });
            Some(AuditEntry { at, actor: redrive.by.clone(), action: "redrive".to_owned(), subject, detail })
        }
        Command::Discard(discard) => {
            let (step, item) = discard.letter;
            let detail =
                json!({ "step": step, "item": item, "reason": discard.reason, "bulk": discard.bulk });
            Some(AuditEntry { at, actor: discard.by.clone(), action: "discard".to_owned(), subject, detail })
        }
        Command::RetryNow(order) | Command::GiveUp(order, _) => {
            let now = matches!(request.command, Command::RetryNow(_));
            let action = if now { "retry-now" } else { "give-up-retry" }.to_owned();
            let detail = json!({ "step": order.step, "item": order.item, "reason": order.reason });
            Some(AuditEntry { at, actor: order.by.clone(), action, subject, detail })
        }
        _ => None,
    }
}
