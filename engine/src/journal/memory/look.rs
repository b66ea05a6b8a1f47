//! What operators look at, worked out from the records.

use std::cmp::Reverse;

use super::{Records, Rules};
use crate::decide::Scheduled;
use crate::journal::look::{Backlog, Holding, Retry, failure};
use crate::journal::transition::item_due_at;
use crate::state::{RunState, RunStatus};
use crate::time::Timestamp;

impl Records {
    pub(super) fn holdings(&self) -> Vec<Holding> {
        let held = self.held().filter_map(|(slot, attempts)| {
            let (worker, definition) =
                (attempts.holder.clone()?, self.runs.get(&slot.run)?.definition.clone());
            Some(Holding { worker, slot, definition, attempt: attempts.made })
        });
        let mut held: Vec<Holding> = held.collect();
        held.sort_by(|one, other| (&one.worker, one.slot).cmp(&(&other.worker, other.slot)));
        held
    }

    pub(super) fn retries(&self, rules: &Rules) -> Vec<Retry> {
        let open = self.runs.values().filter(|run| !run.status.is_terminal());
        let mut retries: Vec<Retry> = open.flat_map(|run| self.retries_of(run, rules)).collect();
        retries.sort_by_key(|retry| (Reverse(retry.due_at), retry.slot.run, retry.slot.item));
        retries
    }

    fn retries_of(&self, run: &RunState, rules: &Rules) -> Vec<Retry> {
        self.due_of(rules, run)
            .into_iter()
            .filter_map(|Scheduled { delivery, due_at, tenant, .. }| {
                let failure = match delivery.slot.item {
                    Some(item) => {
                        let item = self.items.get(&(run.id, run.step, item))?;
                        item_due_at(&item.state)?;
                        Some(item.state.error.clone()?)
                    }
                    None if run.status == RunStatus::Retrying => {
                        let before =
                            |event: &&crate::event::Event| event.run == run.id && event.seq + 1 == run.seq;
                        let event = self.events.values().rev().find(before);
                        event.and_then(|event| failure(run.id, &event.kind))
                    }
                    None => return None,
                };
                let (slot, attempt) = (delivery.slot, delivery.attempt);
                Some(Retry { slot, definition: run.definition.clone(), tenant, attempt, due_at, failure })
            })
            .collect()
    }

    pub(super) fn backlog(&self, workflow: &str, now: Timestamp, rules: &Rules) -> Backlog {
        let runs = self.runs.values().filter(|run| run.definition == workflow);
        let due: Vec<Scheduled> = runs.flat_map(|run| self.due_of(rules, run)).collect();
        let ready = due.iter().map(|scheduled| scheduled.due_at).filter(|due_at| *due_at <= now);
        let (count, oldest_due_at) = (ready.clone().count(), ready.min());
        let held = self.holdings().into_iter().filter(|holding| holding.definition == workflow);
        Backlog {
            ready: count as u64,
            scheduled: (due.len() - count) as u64,
            held: held.count() as u64,
            oldest_due_at,
        }
    }
}
