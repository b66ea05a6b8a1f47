//! What a submission or an order leaves behind, worked out in memory. Every
//! journal writes down exactly what this says, inside its own transaction.

use std::sync::Arc;

use serde_json::Value;

use super::rows::RowChange;
use super::workflows::Workflows;
use super::{Applied, DeadLetter, JournalError, NewRun, Order};
use crate::decide::{Command, Done, Outcome, Situation, decide, deliveries};
use crate::definition::{Definition, Spread};
use crate::event::{Event, EventKind};
use crate::id::dead_letter_id;
use crate::state::{ItemState, ItemStatus, RunState};
use crate::time::{Clock, Timestamp};

/// What deciding needs besides the run: the workflows, the time, chance.
pub(super) struct Rules {
    pub(super) workflows: Workflows,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) jitter: fn() -> f64,
}

/// All that is to be written for one submission or one order.
#[derive(Clone, Debug)]
pub(super) struct Followed {
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
    /// The product's rows.
    pub(super) rows: Vec<RowChange>,
}

impl Followed {
    pub(super) fn applied(self) -> Applied {
        let deliveries = deliveries(&self.run, &self.events);
        Applied { run: self.run, item: self.item, events: self.events, deliveries }
    }
}

impl Rules {
    pub(super) fn begin(&self, new: &NewRun) -> Result<Followed, JournalError> {
        let definition = self.definition(new.definition)?;
        let kind = EventKind::Submitted {
            definition: new.definition.to_owned(),
            version: definition.version(),
            tenant: new.tenant.clone(),
            priority: new.priority,
            on_item_failure: new.on_item_failure,
            input: new.input.clone(),
        };
        let first = Event { run: new.id, seq: 1, at: self.clock.now(), kind };
        let run = RunState::begin(&first)
            .ok_or_else(|| JournalError::Corrupt(format!("run {} begins with no submission", new.id)))?;
        Ok(self.with_rows(run, None, None, vec![first], &new.rows))
    }

    pub(super) fn follow(
        &self,
        run: &RunState,
        item: Option<&ItemState>,
        order: &Order,
    ) -> Result<Followed, JournalError> {
        let definition = self.definition(&run.definition)?;
        let now = self.clock.now();
        let situation = Situation { definition, run, item, now, jitter: (self.jitter)() };
        let kinds = decide(situation, &order.command)?;
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
        let output = item.as_ref().and_then(|item| output_of(item, &order.command));
        Ok(self.with_rows(run, item, output, events, &order.rows))
    }

    pub(super) fn definition(&self, name: &str) -> Result<&Definition, JournalError> {
        self.workflows.definition(name).ok_or_else(|| JournalError::UnknownDefinition(name.to_owned()))
    }

    fn with_rows(
        &self,
        run: RunState,
        item: Option<ItemState>,
        output: Option<Value>,
        events: Vec<Event>,
        rows: &[RowChange],
    ) -> Followed {
        let projection = self.workflows.projection(&run.definition);
        let projected = projection.map(|projection| projection.rows(&run, &events)).unwrap_or_default();
        let rows = rows.iter().cloned().chain(projected).collect();
        let opened = events.iter().flat_map(opened_items).collect();
        let dead_letters = events.iter().filter_map(|event| dead_letter(&run, event)).collect();
        Followed { run, item, output, opened, events, dead_letters, rows }
    }
}

/// The item `command` is about: position of its step and its own.
pub(super) fn item_of(command: &Command) -> Option<(u16, u32)> {
    let slot = match command {
        Command::Claim { delivery, .. } => delivery.slot,
        Command::Finish { claim, .. } | Command::Lose { claim } | Command::HandBack { claim } => claim.slot,
        Command::Cancel => return None,
    };
    slot.item.map(|item| (slot.step, item))
}

/// Whether `command` comes from whoever holds the run's own slot or is about to:
/// nobody else is expected to move the run meanwhile.
pub(super) fn alone_with_it(command: &Command) -> bool {
    match command {
        Command::Claim { delivery, .. } => delivery.slot.item.is_none(),
        Command::Finish { claim, .. } => claim.slot.item.is_none(),
        Command::Lose { .. } | Command::HandBack { .. } | Command::Cancel => false,
    }
}

/// When the run's own slot may be claimed; `None` while somebody holds it, while
/// its items are claimed instead, and once the run has ended.
pub(super) fn run_due_at(definition: Option<&Definition>, run: &RunState) -> Option<Timestamp> {
    let step = definition.and_then(|definition| definition.step(run.step));
    let spread = step.is_some_and(|step| step.spread == Spread::PerItem);
    let open = !run.status.is_terminal() && !spread && run.attempts.holder.is_none();
    open.then_some(run.attempts.due_at)
}

/// When the item may be claimed, as long as its run has not ended.
pub(super) fn item_due_at(item: &ItemState) -> Option<Timestamp> {
    let open = item.status == ItemStatus::Pending && item.attempts.holder.is_none();
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

fn opened_items(event: &Event) -> Vec<ItemState> {
    match event.kind {
        EventKind::Opened { step, items: Some(count) } => {
            (0..count).map(|index| ItemState::open(step, index, event.at)).collect()
        }
        _ => Vec::new(),
    }
}

fn dead_letter(run: &RunState, event: &Event) -> Option<DeadLetter> {
    let EventKind::DeadLettered { step, item, attempts, reason, error } = &event.kind else { return None };
    Some(DeadLetter {
        id: dead_letter_id(run.id, event.seq),
        run: run.id,
        definition: run.definition.clone(),
        tenant: run.tenant.clone(),
        step: *step,
        item: *item,
        reason: *reason,
        attempts: *attempts,
        error: error.clone(),
        at: event.at,
    })
}
