//! The heartbeat: what follows from a command, given where a run stands. Knows no
//! clock, no random numbers, no I/O; time and jitter come in as values. The
//! worker runs it, replay tests run it.

mod redrive;

use std::cmp::Reverse;

use serde_json::Value;

use crate::definition::{Definition, Spread};
use crate::error::{Budget, StepError};
use crate::event::{Attempt, Event, EventKind, OnItemFailure, RedrivenItems};
use crate::id::{Delivery, Slot, WorkerName};
use crate::retry::{DeadReason, Spent, WhenSpent};
use crate::state::{Attempts, ItemState, ItemStatus, RunState, RunStatus};
use crate::time::Timestamp;
pub use redrive::{Dead, DeadSlot, Discard, Redrive, RedriveItems, RedriveRefusal};

/// What somebody wants to happen to a run.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// A worker wants to make the attempt that a delivery points at.
    Claim {
        /// The delivery.
        delivery: Delivery,
        /// Who asks.
        worker: WorkerName,
    },
    /// The attempt is over.
    Finish {
        /// What was claimed.
        claim: Claim,
        /// What came of it.
        outcome: Outcome,
        /// Whether its worker goes on with the run: should a step that does not
        /// fan out be next, it is claimed in the same decision.
        keep: bool,
    },
    /// The claim's worker is dead.
    Lose {
        /// What it had claimed.
        claim: Claim,
    },
    /// The worker gives it back without an outcome.
    HandBack {
        /// What was claimed.
        claim: Claim,
    },
    /// Stop the run.
    Cancel,
    /// Have it go on after it failed, ended partially, or while it waits.
    Redrive(Redrive),
    /// Give up what a dead letter is about.
    Discard(Discard),
    /// Make the next attempt of a slot that waits for its retry now.
    RetryNow(RetryOrder),
    /// Give a slot up that waits for its retry: it becomes a dead letter, with its last
    /// failure.
    GiveUp(RetryOrder, StepError),
    /// Set a slot aside as a dead letter, whoever holds it: its row can't be
    /// read, or what follows from it can't be written. Without an item the run
    /// fails.
    SetAside {
        /// What.
        slot: Slot,
        /// Why.
        error: StepError,
    },
}

/// What somebody orders about a slot that waits for its retry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryOrder {
    /// Position of the step.
    pub step: u16,
    /// The item of the step, if it runs per item.
    pub item: Option<u32>,
    /// Who asks.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// A claimed slot. Whoever holds the newest epoch may record an outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// What was claimed.
    pub slot: Slot,
    /// Which claim of it this is.
    pub epoch: u64,
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It did it.
    Done(Done),
    /// It failed.
    Failed(StepError),
}

/// What a step returns.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Done {
    /// Small facts for the steps after it (the journal keeps them with the
    /// history); for an item: its result (kept with the item).
    pub output: Value,
    /// How many items the next step has; needed when that step runs per item.
    pub items: Option<u32>,
}

/// A delivery and when it is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scheduled {
    /// The delivery.
    pub delivery: Delivery,
    /// Not before.
    pub due_at: Timestamp,
    /// 1 to 10, 10 most urgent.
    pub priority: u8,
    /// Whose it is.
    pub tenant: String,
}

impl Scheduled {
    /// What deliveries are ordered by: the most urgent first, then what is due
    /// first.
    pub(crate) fn rank(&self) -> (Reverse<u8>, Timestamp, Slot) {
        (Reverse(self.priority), self.due_at, self.delivery.slot)
    }
}

/// What follows from a command: the events to be recorded, in order.
pub type Decision = Vec<EventKind>;

/// Why a command is not followed. Nothing is recorded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The run has ended.
    #[error("the run has ended: {}", .0.as_str())]
    Ended(RunStatus),
    /// The run is at another step, or the item is finished or was never opened,
    /// or another attempt is due.
    #[error("the delivery is stale: its slot is finished or was never opened")]
    Stale,
    /// The attempt is not due yet.
    #[error("not due before {} ms", .0.0)]
    NotDue(Timestamp),
    /// Another worker holds it.
    #[error("held by {0}")]
    Held(WorkerName),
    /// The claim is not the newest: its worker was presumed dead.
    #[error("the claim was taken away")]
    Fenced,
    /// The run was begun under another version of its definition.
    #[error("the run needs version {needed} of its workflow; this program has {known}")]
    OtherVersion {
        /// What the run was begun under.
        needed: u32,
        /// What this program has.
        known: u32,
    },
    /// Nothing waits for a retry there.
    #[error("it waits for no retry: it is running, due, done, or was never tried")]
    NoRetry,
    /// It can't be redriven, or not like that.
    #[error(transparent)]
    Redrive(#[from] RedriveRefusal),
}

/// Where a run and, when the command is about an item, that item stand.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// The workflow.
    pub definition: &'a Definition,
    /// The run.
    pub run: &'a RunState,
    /// The item the command is about.
    pub item: Option<&'a ItemState>,
    /// What of the run is dead; looked at by a redrive and a discard alone.
    pub dead: &'a Dead,
    /// Now.
    pub now: Timestamp,
    /// An even draw from 0..1.
    pub jitter: f64,
}

/// What follows from `command`.
///
/// # Errors
/// A [`Refusal`] when the command comes too late, too early, twice, or from a
/// worker that lost its claim.
pub fn decide(situation: Situation<'_>, command: &Command) -> Result<Decision, Refusal> {
    match command {
        Command::Redrive(redrive) => situation.redrive(redrive),
        Command::Discard(discard) => situation.discard(discard),
        _ if situation.run.status.is_terminal() => Err(Refusal::Ended(situation.run.status)),
        Command::Claim { delivery, worker } => situation.claim(delivery, worker),
        Command::Finish { claim, outcome, keep } => situation.finish(claim, outcome, *keep),
        Command::Lose { claim } => situation.lose(claim),
        Command::HandBack { claim } => Ok(vec![EventKind::HandedBack(situation.held(claim)?)]),
        Command::Cancel => Ok(vec![EventKind::Cancelled]),
        Command::SetAside { slot, error } => situation.set_aside(*slot, error),
        Command::RetryNow(order) => situation.retry_now(order),
        Command::GiveUp(order, error) => situation.give_up(order, error),
    }
}

impl Situation<'_> {
    fn claim(&self, delivery: &Delivery, worker: &WorkerName) -> Result<Decision, Refusal> {
        let attempts = self.attempts(delivery.slot)?;
        if self.run.version != self.definition.version() {
            let known = self.definition.version();
            return Err(Refusal::OtherVersion { needed: self.run.version, known });
        }
        if let Some(holder) = &attempts.holder {
            return Err(Refusal::Held(holder.clone()));
        }
        if delivery.attempt != attempts.made + 1 || attempts.paused > 0 {
            return Err(Refusal::Stale);
        }
        if attempts.due_at > self.now {
            return Err(Refusal::NotDue(attempts.due_at));
        }
        Ok(vec![EventKind::Started(Attempt {
            step: delivery.slot.step,
            item: delivery.slot.item,
            attempt: delivery.attempt,
            worker: worker.clone(),
        })])
    }

    fn finish(&self, claim: &Claim, outcome: &Outcome, keep: bool) -> Result<Decision, Refusal> {
        let attempt = self.held(claim)?;
        match outcome {
            Outcome::Done(done) if keep => {
                let (worker, attempt_next) = (attempt.worker.clone(), self.run.attempts.before + 1);
                Ok(gone_on(self.done(attempt, done), worker, attempt_next))
            }
            Outcome::Done(done) => Ok(self.done(attempt, done)),
            Outcome::Failed(error) => {
                let failed = EventKind::Failed { attempt: attempt.clone(), error: error.clone() };
                Ok(self.retry_or_die(&attempt, failed, error))
            }
        }
    }

    fn lose(&self, claim: &Claim) -> Result<Decision, Refusal> {
        let attempt = self.held(claim)?;
        let error = attempt.lost(self.run.id);
        Ok(self.retry_or_die(&attempt, EventKind::Lost(attempt.clone()), &error))
    }

    fn set_aside(&self, slot: Slot, error: &StepError) -> Result<Decision, Refusal> {
        let attempts = match slot.item {
            None => &self.run.attempts,
            Some(_) => self.attempts(slot)?,
        };
        let (step, item, attempt) = (self.run.step, slot.item, attempts.made);
        let worker = attempts.holder.clone().unwrap_or_else(|| WorkerName::from(String::new()));
        let dead = EventKind::DeadLettered {
            step,
            item,
            attempts: attempt,
            reason: DeadReason::Unreadable,
            error: error.clone(),
            paused: false,
        };
        Ok(self.after_death(vec![dead], &Attempt { step, item, attempt, worker }, error))
    }

    fn retry_now(&self, order: &RetryOrder) -> Result<Decision, Refusal> {
        let attempts = self.waiting_for_retry(order)?;
        if attempts.due_at <= self.now {
            return Err(Refusal::NoRetry);
        }
        let (step, item, attempt) = (order.step, order.item, attempts.made + 1);
        Ok(vec![EventKind::RetryScheduled { step, item, attempt, due_at: self.now }])
    }

    fn give_up(&self, order: &RetryOrder, error: &StepError) -> Result<Decision, Refusal> {
        let (step, item, made) = (order.step, order.item, self.waiting_for_retry(order)?.made);
        let attempt = Attempt { step, item, attempt: made, worker: WorkerName::from(String::new()) };
        let dead = EventKind::DeadLettered {
            step,
            item,
            attempts: made,
            reason: DeadReason::Permanent,
            error: error.clone(),
            paused: false,
        };
        Ok(self.after_death(vec![dead], &attempt, error))
    }

    /// The attempts of a slot that nobody holds, the last of which failed.
    fn waiting_for_retry(&self, order: &RetryOrder) -> Result<&Attempts, Refusal> {
        let slot = Slot { run: self.run.id, step: order.step, item: order.item };
        let spreads = self.definition.step(slot.step).is_some_and(|step| step.spread == Spread::PerItem);
        let attempts = self.attempts(slot).map_err(|_| Refusal::NoRetry)?;
        let waits =
            attempts.holder.is_none() && attempts.paused == 0 && attempts.made > self.run.attempts.before;
        if waits && spreads == order.item.is_some() { Ok(attempts) } else { Err(Refusal::NoRetry) }
    }

    fn done(&self, attempt: Attempt, done: &Done) -> Decision {
        if attempt.item.is_some() {
            let succeeded = EventKind::Succeeded { attempt, output: Value::Null };
            return self.then_join(vec![succeeded], self.run.items.done + 1, self.run.items.failed);
        }
        let next = self.run.step + 1;
        let spreads = self.definition.step(next).is_some_and(|step| step.spread == Spread::PerItem);
        if spreads && done.items.is_none() {
            return self.items_missing(&attempt);
        }
        let mut events = vec![EventKind::Succeeded { attempt, output: done.output.clone() }];
        match done.items.filter(|_| spreads) {
            // Nothing to spread over: the step is over before it began.
            Some(0) => self.proceed(&mut events, next + 1, None),
            items => self.proceed(&mut events, next, items),
        }
        events
    }

    /// The step before a fan-out forgot to say over what: a fault of the
    /// program, so it goes to the dead letters instead of hanging.
    fn items_missing(&self, attempt: &Attempt) -> Decision {
        let error = StepError::permanent(
            "ITEMS_MISSING",
            format!("step `{}` named no items for the next step", self.step_name(attempt.step)),
        );
        let failed = EventKind::Failed { attempt: attempt.clone(), error: error.clone() };
        self.retry_or_die(attempt, failed, &error)
    }

    fn proceed(&self, events: &mut Decision, next: u16, items: Option<u32>) {
        if self.definition.step(next).is_some() {
            events.push(EventKind::Opened { step: next, items });
        } else if self.run.items.failed > 0 {
            events.push(EventKind::CompletedPartially { failed_items: self.run.items.failed });
        } else {
            events.push(EventKind::Completed);
        }
    }

    /// The last item to end opens the step after the fan-out.
    fn then_join(&self, mut events: Decision, done: u32, failed: u32) -> Decision {
        let total = self.run.items.total;
        if done + failed < total {
            return events;
        }
        if done == 0 {
            let message = format!("all {total} items failed");
            events.push(EventKind::RunFailed { code: "ALL_ITEMS_FAILED".to_owned(), message });
        } else {
            self.proceed(&mut events, self.run.step + 1, None);
        }
        events
    }

    fn retry_or_die(&self, attempt: &Attempt, failed: EventKind, error: &StepError) -> Decision {
        let slot = Slot { run: self.run.id, step: attempt.step, item: attempt.item };
        let (spent, first) =
            self.attempts(slot).map_or_else(|_| (Spent::default(), None), |a| (a.spent, a.first_started_at));
        let policy = self.definition.step(attempt.step).map(|step| step.policy).unwrap_or_default();
        let next = policy.next_attempt_at(error, &spent, first.unwrap_or(self.now), self.now, self.jitter);
        match next {
            Ok(due_at) => {
                let (step, item, attempt) = (attempt.step, attempt.item, attempt.attempt + 1);
                vec![failed, EventKind::RetryScheduled { step, item, attempt, due_at }]
            }
            Err(reason) => {
                let error = self.last_words(attempt, reason, &spent, error);
                let paused = policy.when_spent == WhenSpent::Pause && reason != DeadReason::Permanent;
                let dead = EventKind::DeadLettered {
                    step: attempt.step,
                    item: attempt.item,
                    attempts: attempt.attempt,
                    reason,
                    error: error.clone(),
                    paused,
                };
                match paused {
                    true => vec![failed, dead],
                    false => self.after_death(vec![failed, dead], attempt, &error),
                }
            }
        }
    }

    /// The failure as its dead letter tells it. That a worker vanished says
    /// little; that each of them did says what to look into.
    fn last_words(&self, last: &Attempt, reason: DeadReason, spent: &Spent, error: &StepError) -> StepError {
        if reason != (DeadReason::BudgetSpent { budget: Budget::LostWorker }) {
            return error.clone();
        }
        let (step, killed) = (self.step_name(last.step), spent.lost_worker + 1);
        let what =
            last.item.map_or_else(|| format!("step `{step}`"), |i| format!("item {i} of step `{step}`"));
        let message = format!("{what} killed its worker {killed} times; the last was {}", last.worker);
        StepError { message, ..error.clone() }
    }

    fn after_death(&self, mut events: Decision, attempt: &Attempt, error: &StepError) -> Decision {
        if attempt.item.is_some() && self.run.on_item_failure == OnItemFailure::Partial {
            return self.then_join(events, self.run.items.done, self.run.items.failed + 1);
        }
        events.push(EventKind::RunFailed { code: error.code.clone(), message: error.message.clone() });
        events
    }

    /// The attempts at `slot`, if it is open.
    fn attempts(&self, slot: Slot) -> Result<&Attempts, Refusal> {
        if slot.step != self.run.step {
            return Err(Refusal::Stale);
        }
        match (slot.item, self.item) {
            (None, _) => Ok(&self.run.attempts),
            (Some(index), Some(item)) if item.index == index && item.status == ItemStatus::Pending => {
                Ok(&item.attempts)
            }
            _ => Err(Refusal::Stale),
        }
    }

    /// The attempt that `claim` stands for, if its worker still holds it.
    fn held(&self, claim: &Claim) -> Result<Attempt, Refusal> {
        let attempts = self.attempts(claim.slot).map_err(|_| Refusal::Fenced)?;
        match &attempts.holder {
            Some(worker) if attempts.epoch == claim.epoch => Ok(Attempt {
                step: claim.slot.step,
                item: claim.slot.item,
                attempt: attempts.made,
                worker: worker.clone(),
            }),
            _ => Err(Refusal::Fenced),
        }
    }

    fn step_name(&self, step: u16) -> &'static str {
        self.definition.step(step).map_or("?", |step| step.name)
    }
}

/// The decision with the step that it opens claimed by `worker`.
fn gone_on(mut events: Decision, worker: WorkerName, attempt: u32) -> Decision {
    if let Some(EventKind::Opened { step, items: None }) = events.last() {
        let step = *step;
        events.push(EventKind::Started(Attempt { step, item: None, attempt, worker }));
    }
    events
}

/// The deliveries that the events of one decision call for, once they are
/// committed. `run` is the state after them.
#[must_use]
pub fn deliveries(run: &RunState, events: &[Event]) -> Vec<Scheduled> {
    let taken = matches!(events.last().map(|event| &event.kind), Some(EventKind::Started(_)));
    let free = |event: &&Event| !(taken && matches!(event.kind, EventKind::Opened { .. }));
    events.iter().filter(free).flat_map(|event| deliveries_of(run, event)).collect()
}

fn deliveries_of(run: &RunState, event: &Event) -> Vec<Scheduled> {
    let scheduled = |step: u16, item: Option<u32>, attempt: u32, due_at: Timestamp| Scheduled {
        delivery: Delivery { slot: Slot { run: run.id, step, item }, attempt },
        due_at,
        priority: run.priority,
        tenant: run.tenant.clone(),
    };
    let first = run.attempts.before + 1;
    match &event.kind {
        EventKind::Submitted { .. } => vec![scheduled(0, None, 1, event.at)],
        EventKind::Opened { step, items: None } => vec![scheduled(*step, None, first, event.at)],
        EventKind::Opened { step, items: Some(items) } => {
            (0..*items).map(|item| scheduled(*step, Some(item), first, event.at)).collect()
        }
        EventKind::Redriven { step, items: RedrivenItems::Reopened(items), .. } => {
            items.iter().map(|item| scheduled(*step, Some(*item), first, event.at)).collect()
        }
        EventKind::Redriven { step, .. } => vec![scheduled(*step, None, first, event.at)],
        EventKind::RetryScheduled { step, item, attempt, due_at } => {
            vec![scheduled(*step, *item, *attempt, *due_at)]
        }
        EventKind::HandedBack(attempt) => {
            vec![scheduled(attempt.step, attempt.item, attempt.attempt, event.at)]
        }
        EventKind::Started(_)
        | EventKind::Succeeded { .. }
        | EventKind::Failed { .. }
        | EventKind::Lost(_)
        | EventKind::DeadLettered { .. }
        | EventKind::Cancelled
        | EventKind::Completed
        | EventKind::CompletedPartially { .. }
        | EventKind::RunFailed { .. } => Vec::new(),
    }
}
