//! One delivery: claim, run, commit.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokio::sync::watch;
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

use super::running::{Running, Stop, StopSignal};
use crate::backoff::{Backoff, pause};
use crate::crash::CrashPoint;
use crate::decide::{Claim, Command, Outcome, Refusal};
use crate::definition::StepDefinition;
use crate::dispatch::{AckDecision, HandleDelivery, NextDeliveries};
use crate::error::{Budget, StepError};
use crate::event::EventKind;
use crate::health::Part;
use crate::id::{Delivery, Slot, WorkerName};
use crate::journal::{CommandRequest, Committed, JournalError};
use crate::meter;
use crate::rows::RowChange;
use crate::set_aside::{is_hopeless, set_aside};
use crate::shared::Shared;
use crate::state::{Attempts, RunState};
use crate::step::{Step, StepContext};

/// How long a step that was told to stop may take before it is dropped.
const STOP_GRACE: Duration = Duration::from_secs(1);

/// How long a worker continues with a run from step to step. Continuing saves a
/// pass through the queue, but overtakes the deliveries that wait there; after this
/// long the next step takes its turn like all others.
const KEEP_MAX: Duration = Duration::from_secs(1);

/// Makes the attempts of one worker.
pub(super) struct AttemptRunner {
    pub(super) shared: Arc<Shared>,
    pub(super) name: WorkerName,
    pub(super) running: Arc<Running>,
    pub(super) draining: CancellationToken,
    pub(super) drained: watch::Receiver<bool>,
}

/// A claim of this worker, and what running it needs.
struct ActiveClaim {
    claim: Claim,
    /// Number of the attempt.
    attempt: u32,
    run: RunState,
}

/// What a commit led to.
enum CommitResult {
    /// The delivery is done.
    Done(AckDecision),
    /// The same commit claimed the run's next step.
    Continue(Box<ActiveClaim>),
}

/// What asking for a claim led to.
enum ClaimResult {
    Claimed(Box<ActiveClaim>),
    /// There is nothing to do.
    Refused,
    /// The worker shuts down, and the journal did not answer before.
    Unknown,
}

/// What running the step led to.
enum AttemptResult {
    /// An outcome to be committed.
    Outcome(Outcome, Vec<RowChange>),
    /// The attempt is handed back: it does not count.
    HandBack,
    /// The outcome is no longer wanted.
    Unwanted,
}

#[async_trait]
impl HandleDelivery for AttemptRunner {
    /// Loading, checking and claiming are one transaction, deciding and committing
    /// another. A commit that opens the run's next step claims it too, for a while.
    async fn handle(&self, delivery: Delivery) -> AckDecision {
        if self.draining.is_cancelled() {
            return AckDecision::Release;
        }
        let Some(mut guard) = self.running.enter(delivery) else { return AckDecision::nothing_follows() };
        let mut active = match self.claim(delivery).await {
            ClaimResult::Claimed(active) => active,
            ClaimResult::Refused => return AckDecision::nothing_follows(),
            ClaimResult::Unknown => return AckDecision::Release,
        };
        let began = Instant::now();
        loop {
            guard.claimed(&active.claim);
            self.shared.passes(CrashPoint::Claimed).await;
            let result = self.run(&active, &guard.signal).await;
            let keep = began.elapsed() < KEEP_MAX && self.may_continue(&active.run);
            active = match self.commit(&active, result, keep).await {
                CommitResult::Done(decision) => return decision,
                CommitResult::Continue(next) => next,
            };
            // No delivery of what was claimed just now was ever pushed.
            let Some(next) = self.running.enter(active.delivery()) else {
                return AckDecision::nothing_follows();
            };
            guard = next;
        }
    }
}

impl ActiveClaim {
    /// The delivery that led to the claim, or would have.
    fn delivery(&self) -> Delivery {
        Delivery { slot: self.claim.slot, attempt: self.attempt }
    }

    /// The claim that the last of the commit's events made, if it made one.
    fn continued(committed: &Committed) -> Option<Self> {
        let EventKind::Started(attempt) = &committed.events.last()?.kind else { return None };
        let slot = Slot { run: committed.run.id, step: attempt.step, item: attempt.item };
        let claim = Claim { slot, epoch: committed.run.attempts.epoch };
        Some(Self { claim, attempt: attempt.attempt, run: committed.run.clone() })
    }
}

impl AttemptRunner {
    /// Whether this worker may continue with the run's next step.
    fn may_continue(&self, run: &RunState) -> bool {
        !self.draining.is_cancelled()
            && !*self.drained.borrow()
            && !self.shared.controls.paused(&run.definition, &run.tenant)
    }

    async fn claim(&self, delivery: Delivery) -> ClaimResult {
        let mut backoff = Backoff::default();
        loop {
            let command = Command::Claim { delivery, worker: self.name.clone() };
            let request = CommandRequest { run: delivery.slot.run, command, rows: Vec::new() };
            match self.shared.apply(request).await {
                Ok(committed) => {
                    self.shared.health.succeeded(Part::Claim);
                    let attempts =
                        committed.item.as_ref().map_or(&committed.run.attempts, |item| &item.attempts);
                    let claim = Claim { slot: delivery.slot, epoch: attempts.epoch };
                    let attempt = delivery.attempt;
                    return ClaimResult::Claimed(Box::new(ActiveClaim {
                        claim,
                        attempt,
                        run: committed.run,
                    }));
                }
                Err(JournalError::Refused(Refusal::Held(holder))) if holder == self.name => {
                    // This worker makes no other attempt at this slot: an earlier try
                    // was committed although it seemed to fail.
                    match self.adopt(delivery).await {
                        Ok(result) => return result,
                        Err(error) if is_hopeless(&error) => {
                            if self.set_aside(delivery.slot, &error).await {
                                return ClaimResult::Refused;
                            }
                        }
                        Err(error) => self.shared.failed(Part::Claim, &error),
                    }
                }
                Err(JournalError::Refused(refusal)) => {
                    // The journal answers.
                    self.shared.health.succeeded(Part::Claim);
                    return self.refused(delivery, &refusal);
                }
                Err(error @ JournalError::UnknownDefinition(_)) => {
                    self.shared.failed(Part::Delivery, &error);
                    return ClaimResult::Refused;
                }
                Err(JournalError::UnknownRun(_)) => return ClaimResult::Refused,
                Err(error) if is_hopeless(&error) => {
                    if self.set_aside(delivery.slot, &error).await {
                        return ClaimResult::Refused;
                    }
                }
                Err(error) => self.shared.failed(Part::Claim, &error),
            }
            if self.draining.run_until_cancelled(backoff.wait()).await.is_none() {
                return ClaimResult::Unknown;
            }
        }
    }

    /// Sets aside what can't be claimed or committed, so that it holds no slot of this
    /// worker; false while the journal does not answer. What can't even be set aside
    /// is dropped: the reconciler pushes it again.
    async fn set_aside(&self, slot: Slot, why: &JournalError) -> bool {
        match set_aside(&self.shared, slot, why).await {
            Ok(()) => true,
            Err(error @ (JournalError::Unavailable(_) | JournalError::Full(_))) => {
                self.shared.failed(Part::Claim, &error);
                false
            }
            Err(error) => {
                self.shared.failed(Part::Delivery, &format!("{slot} can't be set aside: {error}"));
                true
            }
        }
    }

    fn refused(&self, delivery: Delivery, refusal: &Refusal) -> ClaimResult {
        match refusal {
            // The queue's clock is ahead of the journal's; the reconciler pushes it again.
            Refusal::NotDue(_) => self.shared.queue_incomplete.notify_one(),
            Refusal::OtherVersion { .. } => {
                self.shared.failed(Part::Delivery, &format!("{}: {refusal}", delivery.slot));
            }
            Refusal::Ended(_)
            | Refusal::Stale
            | Refusal::Held(_)
            | Refusal::Fenced
            | Refusal::NoRetry
            | Refusal::Redrive(_) => {}
        }
        ClaimResult::Refused
    }

    /// The claim that this worker already has for the delivery.
    async fn adopt(&self, delivery: Delivery) -> Result<ClaimResult, JournalError> {
        let slot = delivery.slot;
        let Some(run) = self.shared.journal.run(slot.run).await? else { return Ok(ClaimResult::Refused) };
        let attempts: Option<Attempts> = match slot.item {
            None => Some(run.attempts.clone()),
            Some(index) => {
                let items = self.shared.journal.items(slot.run, slot.step, index, 1).await?;
                items.into_iter().find(|item| item.state.index == index).map(|item| item.state.attempts)
            }
        };
        let mine = |attempts: &Attempts| {
            attempts.holder.as_ref() == Some(&self.name) && attempts.made == delivery.attempt
        };
        Ok(match attempts.filter(mine) {
            Some(attempts) => {
                let claim = Claim { slot, epoch: attempts.epoch };
                ClaimResult::Claimed(Box::new(ActiveClaim { claim, attempt: delivery.attempt, run }))
            }
            None => ClaimResult::Refused,
        })
    }

    /// The claim of the next step, if a commit whose answer was lost made it.
    async fn adopt_next(&self, active: &ActiveClaim) -> Result<CommitResult, JournalError> {
        let nothing = CommitResult::Done(AckDecision::nothing_follows());
        let Some(run) = self.shared.journal.run(active.claim.slot.run).await? else { return Ok(nothing) };
        let slot = Slot { run: run.id, step: run.step, item: None };
        let next = Delivery { slot, attempt: run.attempts.made };
        let mine = run.attempts.holder.as_ref() == Some(&self.name) && next != active.delivery();
        if !mine || self.running.is_at(&next) {
            return Ok(nothing);
        }
        let claim = Claim { slot, epoch: run.attempts.epoch };
        Ok(CommitResult::Continue(Box::new(ActiveClaim { claim, attempt: next.attempt, run })))
    }

    async fn run(&self, active: &ActiveClaim, signal: &Arc<StopSignal>) -> AttemptResult {
        let workflow = self.shared.workflows.get(active.run.definition.as_str());
        let position = active.claim.slot.step;
        let step = workflow.and_then(|workflow| {
            let definition = workflow.definition();
            Some((workflow.code(position)?, definition.step(position)?, definition))
        });
        let Some((code, step, definition)) = step else {
            let refused = format!(
                "{}: workflow `{}` has no code in this program",
                active.claim.slot, active.run.definition
            );
            self.shared.failed(Part::Delivery, &refused);
            return AttemptResult::HandBack;
        };
        let context = StepContext {
            run: active.run.clone(),
            slot: active.claim.slot,
            attempt: active.attempt,
            worker: self.name.clone(),
            cancel: signal.token(),
            definition: Arc::clone(definition),
            items: Arc::clone(&self.shared) as _,
        };
        let began = Instant::now();
        let result = run_step(Arc::clone(code), step, context, signal).await;
        meter::ran(definition, position, began.elapsed());
        self.shared.passes(CrashPoint::Stepped).await;
        result
    }

    /// Commits the result, however long the journal takes: it is kept until it is
    /// committed or refused.
    async fn commit(&self, active: &ActiveClaim, result: AttemptResult, keep: bool) -> CommitResult {
        let claim = active.claim.clone();
        let (command, rows, point) = match result {
            AttemptResult::Unwanted => return CommitResult::Done(AckDecision::nothing_follows()),
            AttemptResult::HandBack => (Command::HandBack { claim }, Vec::new(), CrashPoint::HandedBack),
            AttemptResult::Outcome(outcome, rows) => {
                (Command::Finish { claim, outcome, keep }, rows, CrashPoint::Committed)
            }
        };
        let mut request = CommandRequest { run: active.claim.slot.run, command, rows };
        let mut backoff = Backoff::default();
        loop {
            match self.shared.apply(request.clone()).await {
                Ok(committed) => {
                    self.shared.health.succeeded(Part::Commit);
                    self.shared.passes(point).await;
                    return committed_result(committed);
                }
                Err(JournalError::Refused(_) | JournalError::UnknownRun(_)) => {
                    // Perhaps an earlier try was committed although it seemed to
                    // fail. Then what follows is not in the queue, or this worker
                    // holds it already.
                    self.shared.health.succeeded(Part::Commit);
                    self.shared.queue_incomplete.notify_one();
                    match self.adopt_next(active).await {
                        Ok(result) => return result,
                        // Whatever the next step is, this worker does not hold it.
                        Err(error) if is_hopeless(&error) => {
                            return CommitResult::Done(AckDecision::nothing_follows());
                        }
                        Err(error) => self.shared.failed(Part::Commit, &error),
                    }
                    backoff.wait().await;
                }
                Err(JournalError::Conflict(key)) if !request.rows.is_empty() => {
                    request = rows_conflict(&request, active.claim.clone(), &key);
                }
                Err(error) if is_hopeless(&error) => {
                    if self.set_aside(active.claim.slot, &error).await {
                        return CommitResult::Done(AckDecision::nothing_follows());
                    }
                    backoff.wait().await;
                }
                Err(error) => {
                    self.shared.failed(Part::Commit, &error);
                    backoff.wait().await;
                }
            }
        }
    }
}

fn committed_result(committed: Committed) -> CommitResult {
    match ActiveClaim::continued(&committed) {
        Some(active) => CommitResult::Continue(Box::new(active)),
        None => {
            let next =
                NextDeliveries { workflow: committed.run.definition, deliveries: committed.deliveries };
            CommitResult::Done(AckDecision::Acknowledge(next))
        }
    }
}

/// The outcome when the step's own rows can't be written: another attempt would
/// write the same ones.
fn rows_conflict(request: &CommandRequest, claim: Claim, key: &str) -> CommandRequest {
    let message = format!("a row that the step wrote conflicts with an existing row: {key}");
    let outcome = Outcome::Failed(StepError::permanent("ROWS_CONFLICT", message));
    CommandRequest {
        run: request.run,
        command: Command::Finish { claim, outcome, keep: false },
        rows: Vec::new(),
    }
}

/// Runs the step in a task of its own, to its end or until it is to stop.
async fn run_step(
    code: Arc<dyn Step>,
    step: &StepDefinition,
    context: StepContext,
    signal: &StopSignal,
) -> AttemptResult {
    let span = tracing::info_span!(
        "step",
        run = %context.run.id,
        tenant = %context.run.tenant,
        step = step.name,
        item = context.slot.item,
        attempt = context.attempt,
    );
    let work = async move { code.run(context).await }.instrument(span);
    let mut task = AbortOnDropHandle::new(tokio::spawn(work));
    let result = tokio::select! {
        result = &mut task => Some(result),
        () = signal.stopped() => None,
        () = pause(step.policy.timeout) => {
            signal.stop(Stop::TimedOut);
            None
        }
    };
    let result = match result {
        Some(result) => Some(result),
        None => tokio::time::timeout(STOP_GRACE, &mut task).await.ok(),
    };
    match (result, signal.reason()) {
        // What is done counts, even if the step was told to stop.
        (Some(Ok(Ok(output))), _) => AttemptResult::Outcome(Outcome::Done(output.done), output.rows),
        // The failure of a step that was told to stop says no more than that.
        (_, Some(reason)) => stopped(step, reason),
        (Some(Ok(Err(error))), None) => failed(error),
        (Some(Err(error)), None) => failed(panicked(step, error)),
        // Unreachable: the grace time begins with a reason.
        (None, None) => AttemptResult::HandBack,
    }
}

fn failed(error: StepError) -> AttemptResult {
    AttemptResult::Outcome(Outcome::Failed(error), Vec::new())
}

fn stopped(step: &StepDefinition, reason: Stop) -> AttemptResult {
    match reason {
        Stop::TimedOut => {
            let (name, timeout) = (step.name, step.policy.timeout);
            let message =
                format!("step `{name}` did not end within {timeout:?}, the timeout of its retry policy");
            failed(StepError::retry(Budget::Content, "STEP_TIMEOUT", message))
        }
        Stop::Drained => AttemptResult::HandBack,
        Stop::Ended | Stop::Lost => AttemptResult::Unwanted,
    }
}

fn panicked(step: &StepDefinition, error: JoinError) -> StepError {
    let text = error.try_into_panic().map_or_else(|error| error.to_string(), |panic| panic_text(&*panic));
    let message = format!("step `{}` panicked: {text}", step.name);
    StepError::retry(Budget::Content, "STEP_PANICKED", message)
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without a text".to_owned())
}
