//! Repairs what crashes left behind: claims of dead workers, and deliveries that
//! never reached the queue or were lost with it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::backoff::pause;
use crate::crash::CrashPoint;
use crate::decide::{Command, Scheduled};
use crate::event::EventKind;
use crate::health::Part;
use crate::id::{Delivery, RunId};
use crate::journal::retention::Retention;
use crate::journal::{CommandRequest, Committed, Found, JournalError, Orphan, Unreadable, WorkerInfo};
use crate::queue::QueueError;
use crate::set_aside::{is_hopeless, set_aside};
use crate::shared::Shared;
use crate::time::Timestamp;

/// Claims taken away and deliveries pushed in one statement.
const PAGE: u32 = 1024;

/// Least time between two rounds; a page every such time fills an empty queue
/// faster than anything drains it.
const BREATH: Duration = Duration::from_millis(100);

/// A worker that was silent for this many leases is taken off the list.
const FORGET_AFTER_LEASES: u32 = 20;

/// Why a round was not finished.
#[derive(Debug, thiserror::Error)]
enum ReconcileError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Queue(#[from] QueueError),
}

/// Repairs periodically.
pub(crate) struct Reconciler {
    pub(crate) shared: Arc<Shared>,
    pub(crate) every: Duration,
    pub(crate) lease: Duration,
    pub(crate) retention: Retention,
    /// Names of the workflows whose queues it fills.
    pub(crate) workflows: Vec<&'static str>,
    /// The last delivery of the page that was looked at last, by workflow, while
    /// there are pages after it.
    pub(crate) looked_at: BTreeMap<&'static str, Scheduled>,
}

impl Reconciler {
    /// Repairs for ever.
    pub(crate) async fn run(mut self) {
        loop {
            let next = match self.round().await {
                Ok(next) => {
                    self.shared.health.succeeded(Part::Reconcile);
                    next
                }
                Err(error) => {
                    self.shared.failed(Part::Reconcile, &error);
                    self.every
                }
            };
            pause(BREATH).await;
            // A delivery known to be missing need not wait for the next time.
            let _ = tokio::time::timeout(next, self.shared.queue_incomplete.notified()).await;
        }
    }

    /// One round; how long the next one may wait. There is nothing to wait for
    /// when it pushed something and has not seen all; a backlog that stands in
    /// the queue already costs a page a round, however long it is.
    async fn round(&mut self) -> Result<Duration, ReconcileError> {
        let now = self.shared.clock.now();
        rescue(&self.shared, before(now, self.lease)).await?;
        let workers = self.shared.journal.workers().await?;
        let next_expiry = self.next_expiry(&workers, now);
        self.forget_workers(workers, before(now, self.lease * FORGET_AFTER_LEASES)).await?;
        let (mut more, mut failed) = (self.prune(now).await?, None);
        for workflow in self.workflows.clone() {
            // A queue that fails is no reason not to fill the others.
            match self.refill(workflow, now).await {
                Ok(again) => more |= again,
                Err(error) => failed = Some(error),
            }
        }
        if let Some(error) = failed {
            return Err(error);
        }
        Ok(if more { Duration::ZERO } else { next_expiry.min(self.every) })
    }

    /// How long it is until the first lease is over, should its worker stay
    /// silent: what the dead held is not to wait for a round's time as well.
    fn next_expiry(&self, workers: &[WorkerInfo], now: Timestamp) -> Duration {
        let expiries = workers.iter().map(|worker| worker.heartbeat_at.after(self.lease));
        let next = expiries.filter(|at| *at >= now).min();
        // A millisecond on, for a lease is over when more than it has passed.
        next.map_or(self.every, |at| at.since(now) + Duration::from_millis(1))
    }

    /// Takes away what need not be kept any more; whether there was more.
    async fn prune(&self, now: Timestamp) -> Result<bool, JournalError> {
        if self.retention.keeps_all() {
            return Ok(false);
        }
        let pruned = self.shared.journal.prune(self.retention, now).await?;
        if pruned.runs > 0 || pruned.dead_letters > 0 {
            tracing::info!(
                runs = pruned.runs,
                dead_letters = pruned.dead_letters,
                "pruned ended runs and settled dead letters"
            );
        }
        Ok(pruned.more)
    }

    /// Pushes a page of what should be in the queue, the one after the page of
    /// the round before; whether the next page is to be looked at now. What is
    /// due before the next round is over is pushed ahead, so that it comes in
    /// time.
    async fn refill(&mut self, workflow: &'static str, now: Timestamp) -> Result<bool, ReconcileError> {
        let (shared, after) = (&self.shared, self.looked_at.remove(workflow));
        let until = now.after(self.every * 2);
        let Found { rows: due, unreadable } =
            shared.journal.due(workflow, until, after.as_ref(), PAGE).await?;
        set_all_aside(shared, unreadable).await?;
        let pushed = shared.queue.push(workflow, &due).await?;
        // Nobody claimed these for as long as a worker may be silent: should one
        // be in flight, whoever pulled it is gone.
        let overdue = before(now, self.lease);
        let stuck = due.iter().filter(|due| due.due_at < overdue);
        let stuck: Vec<_> = stuck.map(|due| due.delivery.id()).collect();
        if !stuck.is_empty() {
            shared.queue.release(workflow, &stuck).await?;
        }
        let full = due.len() >= PAGE as usize;
        if let Some(last) = due.into_iter().last().filter(|_| full) {
            self.looked_at.insert(workflow, last);
        }
        Ok(full && pushed > 0)
    }

    async fn forget_workers(
        &self,
        workers: Vec<WorkerInfo>,
        silent_since: Timestamp,
    ) -> Result<(), ReconcileError> {
        let silent = workers.into_iter().filter(|worker| worker.heartbeat_at < silent_since);
        let silent: Vec<_> = silent.map(|worker| worker.name).collect();
        if !silent.is_empty() {
            self.shared.journal.retire(&silent).await?;
        }
        Ok(())
    }
}

fn before(now: Timestamp, by: Duration) -> Timestamp {
    Timestamp(now.0.saturating_sub(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
}

/// Takes the claims away from workers that are off the list or were silent
/// since then; how many it was.
pub(crate) async fn rescue(shared: &Shared, silent_since: Timestamp) -> Result<usize, JournalError> {
    let mut rescued = 0;
    loop {
        let Found { rows: orphans, unreadable } = shared.journal.orphans(silent_since, PAGE).await?;
        set_all_aside(shared, unreadable).await?;
        let before = rescued;
        for orphan in &orphans {
            rescued += usize::from(lose(shared, orphan).await?);
        }
        // A page on which others were faster is looked at again next time.
        if orphans.len() < PAGE as usize || rescued == before {
            return Ok(rescued);
        }
    }
}

async fn lose(shared: &Shared, orphan: &Orphan) -> Result<bool, JournalError> {
    let run = orphan.claim.slot.run;
    let command = Command::Lose { claim: orphan.claim.clone() };
    let committed = match shared.apply(CommandRequest { run, command, rows: Vec::new() }).await {
        Ok(committed) => committed,
        // Its worker finished after all, or another rescuer was faster.
        Err(JournalError::Refused(_) | JournalError::UnknownRun(_)) => return Ok(false),
        Err(error) if is_hopeless(&error) => {
            let unreadable = Unreadable { slot: orphan.claim.slot, why: error.to_string() };
            set_all_aside(shared, vec![unreadable]).await?;
            return Ok(false);
        }
        // Another program's; that one rescues it.
        Err(error @ JournalError::UnknownDefinition(_)) => {
            shared.failed(Part::Delivery, &error);
            return Ok(false);
        }
        Err(error) => return Err(error),
    };
    tracing::info!(worker = %orphan.worker, slot = %orphan.claim.slot, "reclaimed work of a dead worker");
    shared.passes(CrashPoint::OrphanLost).await;
    drop_old_delivery(shared, run, &committed).await;
    shared.push(&committed.run.definition, &committed.deliveries).await;
    Ok(true)
}

/// Sets aside what can't be read; what can't even be set aside holds up nothing
/// else.
async fn set_all_aside(shared: &Shared, unreadable: Vec<Unreadable>) -> Result<(), JournalError> {
    for Unreadable { slot, why } in unreadable {
        match set_aside(shared, slot, &JournalError::Corrupt(why)).await {
            Ok(()) => {}
            Err(error @ (JournalError::Unavailable(_) | JournalError::Full(_))) => return Err(error),
            Err(error) => shared.failed(Part::Delivery, &format!("{slot} can't be set aside: {error}")),
        }
    }
    Ok(())
}

/// The delivery that led to the lost attempt leads nowhere any more.
async fn drop_old_delivery(shared: &Shared, run: RunId, committed: &Committed) {
    let lost = committed.events.iter().find_map(|event| match &event.kind {
        EventKind::Lost(attempt) => Some(attempt),
        _ => None,
    });
    let Some(lost) = lost else { return };
    let slot = crate::id::Slot { run, step: lost.step, item: lost.item };
    let id = Delivery { slot, attempt: lost.attempt }.id();
    if let Err(error) = shared.queue.acknowledge(&committed.run.definition, &[id]).await {
        shared.failed(Part::Push, &error);
    }
}
