//! One delivery from its claim to its commit.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

use super::running::{Running, Stop, StopSignal};
use crate::aside::{is_hopeless, set_aside};
use crate::backoff::{Backoff, pause};
use crate::crash::CrashPoint;
use crate::decide::{Claim, Command, Outcome, Refusal};
use crate::definition::StepDefinition;
use crate::dispatch::{Attempts, Following, Settled};
use crate::error::{Budget, StepError};
use crate::event::EventKind;
use crate::health::Part;
use crate::id::{Delivery, Slot, WorkerName};
use crate::journal::rows::RowChange;
use crate::journal::{Applied, JournalError, Order};
use crate::meter;
use crate::parts::Parts;
use crate::state::{Attempts as Made, RunState};
use crate::step::{Step, StepContext};

/// How long a step that was told to stop has for it before it is dropped.
const STOP_GRACE: Duration = Duration::from_secs(1);

/// How long a worker stays with a run from step to step. Going on at once saves
/// the way through the queue, but passes by whoever waits there; after this long
/// the next step waits its turn like all others.
const KEEP_MAX: Duration = Duration::from_secs(1);

/// Makes the attempts of one worker.
pub(super) struct Attempter {
    pub(super) parts: Arc<Parts>,
    pub(super) name: WorkerName,
    pub(super) running: Arc<Running>,
    pub(super) draining: CancellationToken,
}

/// A claim and what it takes to use it.
struct Held {
    claim: Claim,
    /// Which attempt it is.
    attempt: u32,
    run: RunState,
}

/// What came of recording an ending.
enum Recorded {
    /// The delivery is dealt with.
    Settled(Settled),
    /// The run's next step is claimed as well; pointers elsewhere may follow.
    Kept(Box<Held>),
}

/// What came of asking for a claim.
enum Claiming {
    Held(Box<Held>),
    /// There is nothing to be done here.
    Over,
    /// It could not be found out before the worker leaves.
    Unknown,
}

/// What came of running the step.
enum Ending {
    /// To be recorded.
    Outcome(Outcome, Vec<RowChange>),
    /// To be given back.
    GiveBack,
    /// Nobody wants to know.
    Unwanted,
}

#[async_trait]
impl Attempts for Attempter {
    /// Load, check and claim are one transaction, decide and commit another. One
    /// that opens the run's next step claims it too, for a while.
    async fn attempt(&self, delivery: Delivery) -> Settled {
        if self.draining.is_cancelled() {
            return Settled::Released;
        }
        let Some(mut place) = self.running.enter(delivery) else { return nothing_follows() };
        let mut held = match self.claim(delivery).await {
            Claiming::Held(held) => held,
            Claiming::Over => return nothing_follows(),
            Claiming::Unknown => return Settled::Released,
        };
        let began = Instant::now();
        loop {
            place.claimed(&held.claim);
            self.parts.passes(CrashPoint::Claimed).await;
            let ending = self.run(&held, &place.signal).await;
            let keep = began.elapsed() < KEEP_MAX && self.may_begin(&held.run);
            held = match self.commit(&held, ending, keep).await {
                Recorded::Settled(settled) => return settled,
                Recorded::Kept(next) => next,
            };
            // Nobody else was ever given a pointer at what was claimed just now.
            let Some(next) = self.running.enter(held.delivery()) else { return nothing_follows() };
            place = next;
        }
    }
}

fn nothing_follows() -> Settled {
    Settled::Done(Following::default())
}

impl Held {
    /// The pointer that led to the claim, or would have.
    fn delivery(&self) -> Delivery {
        Delivery { slot: self.claim.slot, attempt: self.attempt }
    }

    /// The claim that the last of `applied`'s events made, if it made one.
    fn kept(applied: &Applied) -> Option<Self> {
        let EventKind::Started(attempt) = &applied.events.last()?.kind else { return None };
        let slot = Slot { run: applied.run.id, step: attempt.step, item: attempt.item };
        let claim = Claim { slot, epoch: applied.run.attempts.epoch };
        Some(Self { claim, attempt: attempt.attempt, run: applied.run.clone() })
    }
}

impl Attempter {
    /// Whether a step of the run may be begun that nobody else has to hand out.
    fn may_begin(&self, run: &RunState) -> bool {
        !self.draining.is_cancelled() && !self.parts.controls.paused(&run.definition, &run.tenant)
    }

    async fn claim(&self, delivery: Delivery) -> Claiming {
        let mut backoff = Backoff::default();
        loop {
            let command = Command::Claim { delivery, worker: self.name.clone() };
            let order = Order { run: delivery.slot.run, command, rows: Vec::new() };
            match self.parts.apply(order).await {
                Ok(applied) => {
                    self.parts.health.succeeded(Part::Claim);
                    let attempts = applied.item.as_ref().map_or(&applied.run.attempts, |item| &item.attempts);
                    let claim = Claim { slot: delivery.slot, epoch: attempts.epoch };
                    let attempt = delivery.attempt;
                    return Claiming::Held(Box::new(Held { claim, attempt, run: applied.run }));
                }
                Err(JournalError::Refused(Refusal::Held(holder))) if holder == self.name => {
                    // This worker is at no such delivery but this one: an earlier
                    // try was committed though it seemed to fail.
                    match self.adopt(delivery).await {
                        Ok(claiming) => return claiming,
                        Err(error) if is_hopeless(&error) => {
                            if self.set_aside(delivery.slot, &error).await {
                                return Claiming::Over;
                            }
                        }
                        Err(error) => self.parts.failed(Part::Claim, &error),
                    }
                }
                Err(JournalError::Refused(refusal)) => {
                    // It answers, whatever it says.
                    self.parts.health.succeeded(Part::Claim);
                    return self.refused(delivery, &refusal);
                }
                Err(error @ JournalError::UnknownDefinition(_)) => {
                    self.parts.failed(Part::Delivery, &error);
                    return Claiming::Over;
                }
                Err(JournalError::UnknownRun(_)) => return Claiming::Over,
                Err(error) if is_hopeless(&error) => {
                    if self.set_aside(delivery.slot, &error).await {
                        return Claiming::Over;
                    }
                }
                Err(error) => self.parts.failed(Part::Claim, &error),
            }
            if self.draining.run_until_cancelled(backoff.wait()).await.is_none() {
                return Claiming::Unknown;
            }
        }
    }

    /// Sets aside what can't be claimed or recorded, so that it holds no slot of
    /// this worker; false while the journal does not answer. What can't even be
    /// set aside is let go of: it is offered again in the reconciler's time.
    async fn set_aside(&self, slot: Slot, why: &JournalError) -> bool {
        match set_aside(&self.parts, slot, why).await {
            Ok(()) => true,
            Err(error @ (JournalError::Unavailable(_) | JournalError::Full(_))) => {
                self.parts.failed(Part::Claim, &error);
                false
            }
            Err(error) => {
                self.parts.failed(Part::Delivery, &format!("{slot} can't be set aside: {error}"));
                true
            }
        }
    }

    fn refused(&self, delivery: Delivery, refusal: &Refusal) -> Claiming {
        match refusal {
            // The queue's clock is ahead of the journal's; it is pushed again.
            Refusal::NotDue(_) => self.parts.queue_incomplete.notify_one(),
            Refusal::OtherVersion { .. } => {
                self.parts.failed(Part::Delivery, &format!("{}: {refusal}", delivery.slot));
            }
            Refusal::Ended(_) | Refusal::Stale | Refusal::Held(_) | Refusal::Fenced | Refusal::Redrive(_) => {
            }
        }
        Claiming::Over
    }

    /// The claim that this worker already has for the delivery.
    async fn adopt(&self, delivery: Delivery) -> Result<Claiming, JournalError> {
        let slot = delivery.slot;
        let Some(run) = self.parts.journal.run(slot.run).await? else { return Ok(Claiming::Over) };
        let made: Option<Made> = match slot.item {
            None => Some(run.attempts.clone()),
            Some(index) => {
                let items = self.parts.journal.items(slot.run, slot.step, index, 1).await?;
                items.into_iter().find(|item| item.state.index == index).map(|item| item.state.attempts)
            }
        };
        let mine = |made: &Made| made.holder.as_ref() == Some(&self.name) && made.made == delivery.attempt;
        Ok(match made.filter(mine) {
            Some(made) => {
                let claim = Claim { slot, epoch: made.epoch };
                Claiming::Held(Box::new(Held { claim, attempt: delivery.attempt, run }))
            }
            None => Claiming::Over,
        })
    }

    /// The claim of the next step, if an ending whose answer was lost made it.
    async fn adopt_next(&self, held: &Held) -> Result<Recorded, JournalError> {
        let nothing = Recorded::Settled(nothing_follows());
        let Some(run) = self.parts.journal.run(held.claim.slot.run).await? else { return Ok(nothing) };
        let slot = Slot { run: run.id, step: run.step, item: None };
        let next = Delivery { slot, attempt: run.attempts.made };
        let mine = run.attempts.holder.as_ref() == Some(&self.name) && next != held.delivery();
        if !mine || self.running.is_at(&next) {
            return Ok(nothing);
        }
        let claim = Claim { slot, epoch: run.attempts.epoch };
        Ok(Recorded::Kept(Box::new(Held { claim, attempt: next.attempt, run })))
    }

    async fn run(&self, held: &Held, signal: &Arc<StopSignal>) -> Ending {
        let workflow = self.parts.workflows.get(held.run.definition.as_str());
        let position = held.claim.slot.step;
        let step = workflow.and_then(|workflow| {
            let whole = &workflow.definition;
            Some((workflow.step(position)?, whole.step(position)?, whole))
        });
        let Some((step, definition, whole)) = step else {
            let refused =
                format!("{} of workflow `{}` has no code here", held.claim.slot, held.run.definition);
            self.parts.failed(Part::Delivery, &refused);
            return Ending::GiveBack;
        };
        let context = StepContext {
            run: held.run.clone(),
            slot: held.claim.slot,
            attempt: held.attempt,
            worker: self.name.clone(),
            cancel: signal.token(),
        };
        let began = Instant::now();
        let ending = run_step(Arc::clone(step), definition, context, signal).await;
        meter::ran(whole, position, began.elapsed());
        self.parts.passes(CrashPoint::Stepped).await;
        ending
    }

    /// Records the ending, however long the journal takes: it is kept until it
    /// is recorded or refused.
    async fn commit(&self, held: &Held, ending: Ending, keep: bool) -> Recorded {
        let claim = held.claim.clone();
        let (command, rows, point) = match ending {
            Ending::Unwanted => return Recorded::Settled(nothing_follows()),
            Ending::GiveBack => (Command::HandBack { claim }, Vec::new(), CrashPoint::HandedBack),
            Ending::Outcome(outcome, rows) => {
                (Command::Finish { claim, outcome, keep }, rows, CrashPoint::Committed)
            }
        };
        let mut order = Order { run: held.claim.slot.run, command, rows };
        let mut backoff = Backoff::default();
        loop {
            match self.parts.apply(order.clone()).await {
                Ok(applied) => {
                    self.parts.health.succeeded(Part::Commit);
                    self.parts.passes(point).await;
                    return recorded(applied);
                }
                Err(JournalError::Refused(_) | JournalError::UnknownRun(_)) => {
                    // Perhaps because an earlier try was committed though it
                    // seemed to fail; then what follows is not in the queue, or
                    // is this worker's already.
                    self.parts.health.succeeded(Part::Commit);
                    self.parts.queue_incomplete.notify_one();
                    match self.adopt_next(held).await {
                        Ok(recorded) => return recorded,
                        // Whatever the next step is, it is not this worker's to begin.
                        Err(error) if is_hopeless(&error) => return Recorded::Settled(nothing_follows()),
                        Err(error) => self.parts.failed(Part::Commit, &error),
                    }
                    backoff.wait().await;
                }
                Err(JournalError::Conflict(key)) if !order.rows.is_empty() => {
                    order = rows_in_the_way(&order, held.claim.clone(), &key);
                }
                Err(error) if is_hopeless(&error) => {
                    if self.set_aside(held.claim.slot, &error).await {
                        return Recorded::Settled(nothing_follows());
                    }
                    backoff.wait().await;
                }
                Err(error) => {
                    self.parts.failed(Part::Commit, &error);
                    backoff.wait().await;
                }
            }
        }
    }
}

fn recorded(applied: Applied) -> Recorded {
    match Held::kept(&applied) {
        Some(held) => Recorded::Kept(Box::new(held)),
        None => {
            let (workflow, pointers) = (applied.run.definition, applied.deliveries);
            Recorded::Settled(Settled::Done(Following { workflow, pointers }))
        }
    }
}

/// The outcome when the step's own rows can't be written: trying again would
/// write the same ones.
fn rows_in_the_way(order: &Order, claim: Claim, key: &str) -> Order {
    let message = format!("a row that the step wanted to write is in the way of another: {key}");
    let outcome = Outcome::Failed(StepError::permanent("ROWS_CONFLICT", message));
    Order { run: order.run, command: Command::Finish { claim, outcome, keep: false }, rows: Vec::new() }
}

/// Runs the step in a task of its own, to its end or until it is to stop.
async fn run_step(
    step: Arc<dyn Step>,
    definition: &StepDefinition,
    context: StepContext,
    signal: &StopSignal,
) -> Ending {
    let span = tracing::info_span!(
        "step",
        run = %context.run.id,
        tenant = %context.run.tenant,
        step = definition.name,
        item = context.slot.item,
        attempt = context.attempt,
    );
    let work = async move { step.run(&context).await }.instrument(span);
    let mut task = AbortOnDropHandle::new(tokio::spawn(work));
    let result = tokio::select! {
        result = &mut task => Some(result),
        () = signal.stopped() => None,
        () = pause(definition.policy.timeout) => {
            signal.stop(Stop::TimedOut);
            None
        }
    };
    let result = match result {
        Some(result) => Some(result),
        None => tokio::time::timeout(STOP_GRACE, &mut task).await.ok(),
    };
    match (result, signal.reason()) {
        // What is done is done, also by one that was told to stop.
        (Some(Ok(Ok(output))), _) => Ending::Outcome(Outcome::Done(output.done), output.rows),
        // The failure of one that was told to stop says no more than that.
        (_, Some(reason)) => stopped(definition, reason),
        (Some(Ok(Err(error))), None) => failed(error),
        (Some(Err(error)), None) => failed(panicked(definition, error)),
        // Out of the grace time, which begins with a reason.
        (None, None) => Ending::GiveBack,
    }
}

fn failed(error: StepError) -> Ending {
    Ending::Outcome(Outcome::Failed(error), Vec::new())
}

fn stopped(definition: &StepDefinition, reason: Stop) -> Ending {
    match reason {
        Stop::TimedOut => {
            let (name, timeout) = (definition.name, definition.policy.timeout);
            let message =
                format!("step `{name}` did not end within {timeout:?}, the timeout of its retry policy");
            failed(StepError::retry(Budget::Content, "STEP_TIMEOUT", message))
        }
        Stop::Drained => Ending::GiveBack,
        Stop::Ended | Stop::Lost => Ending::Unwanted,
    }
}

fn panicked(definition: &StepDefinition, error: JoinError) -> StepError {
    let text = error.try_into_panic().map_or_else(|error| error.to_string(), |panic| panic_text(&*panic));
    let message = format!("step `{}` panicked: {text}", definition.name);
    StepError::retry(Budget::Content, "STEP_PANICKED", message)
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without a text".to_owned())
}
