//! Healing what crashes left behind: claims of workers that are gone, and
//! pointers that never reached the queue or got lost with it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::aside::{is_hopeless, set_aside};
use crate::backoff::pause;
use crate::crash::CrashPoint;
use crate::decide::{Command, Scheduled};
use crate::event::EventKind;
use crate::health::Part;
use crate::id::{Delivery, RunId};
use crate::journal::retention::Retention;
use crate::journal::{Applied, Found, JournalError, Order, Orphan, Unreadable, WorkerRow};
use crate::parts::Parts;
use crate::queue::QueueError;
use crate::time::Timestamp;

/// Claims taken away and pointers pushed in one statement.
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

/// Heals periodically.
pub(crate) struct Reconciler {
    pub(crate) parts: Arc<Parts>,
    pub(crate) every: Duration,
    pub(crate) lease: Duration,
    pub(crate) retention: Retention,
    /// The last pointer of the page that was looked at last, by workflow, while
    /// there are pages after it.
    pub(crate) looked_at: BTreeMap<&'static str, Scheduled>,
}

impl Reconciler {
    /// Heals now and then for ever.
    pub(crate) async fn run(mut self) {
        loop {
            let next = match self.round().await {
                Ok(next) => {
                    self.parts.health.succeeded(Part::Reconcile);
                    next
                }
                Err(error) => {
                    self.parts.failed(Part::Reconcile, &error);
                    self.every
                }
            };
            pause(BREATH).await;
            // A pointer known to be missing need not wait for the next time.
            let _ = tokio::time::timeout(next, self.parts.queue_incomplete.notified()).await;
        }
    }

    /// One round; how long the next one may wait. There is nothing to wait for
    /// when it pushed something and has not seen all; a backlog that stands in
    /// the queue already costs a page a round, however long it is.
    async fn round(&mut self) -> Result<Duration, ReconcileError> {
        let now = self.parts.clock.now();
        rescue(&self.parts, before(now, self.lease)).await?;
        let workers = self.parts.journal.workers().await?;
        let next_expiry = self.next_expiry(&workers, now);
        self.forget_workers(workers, before(now, self.lease * FORGET_AFTER_LEASES)).await?;
        let (mut more, mut failed) = (self.prune(now).await?, None);
        let parts = Arc::clone(&self.parts);
        for workflow in parts.workflows.keys() {
            // A queue that is full is no reason not to fill another one.
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
    fn next_expiry(&self, workers: &[WorkerRow], now: Timestamp) -> Duration {
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
        let pruned = self.parts.journal.prune(self.retention, now).await?;
        if pruned.runs > 0 || pruned.dead_letters > 0 {
            tracing::info!(runs = pruned.runs, dead_letters = pruned.dead_letters, "pruned");
        }
        Ok(pruned.more)
    }

    /// Pushes a page of what should be in the queue, the one after the page of
    /// the round before; whether the next page is to be looked at now. What is
    /// due before the next round is over is pushed ahead, so that it comes in
    /// time.
    async fn refill(&mut self, workflow: &'static str, now: Timestamp) -> Result<bool, ReconcileError> {
        let (parts, after) = (&self.parts, self.looked_at.remove(workflow));
        let until = now.after(self.every * 2);
        let Found { rows: due, unreadable } =
            parts.journal.due(workflow, until, after.as_ref(), PAGE).await?;
        put_aside(parts, unreadable).await?;
        let pushed = parts.queue.push(workflow, &due).await?;
        // Nobody claimed these for as long as a worker may be silent: should one
        // be in flight, whoever pulled it is gone.
        let overdue = before(now, self.lease);
        let stuck = due.iter().filter(|pointer| pointer.due_at < overdue);
        let stuck: Vec<_> = stuck.map(|pointer| pointer.delivery.id()).collect();
        if !stuck.is_empty() {
            parts.queue.release(workflow, &stuck).await?;
        }
        let full = due.len() >= PAGE as usize;
        if let Some(last) = due.into_iter().last().filter(|_| full) {
            self.looked_at.insert(workflow, last);
        }
        Ok(full && pushed > 0)
    }

    async fn forget_workers(
        &self,
        workers: Vec<WorkerRow>,
        silent_since: Timestamp,
    ) -> Result<(), ReconcileError> {
        let silent = workers.into_iter().filter(|worker| worker.heartbeat_at < silent_since);
        let silent: Vec<_> = silent.map(|worker| worker.name).collect();
        if !silent.is_empty() {
            self.parts.journal.retire(&silent).await?;
        }
        Ok(())
    }
}

fn before(now: Timestamp, by: Duration) -> Timestamp {
    Timestamp(now.0.saturating_sub(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
}

/// Takes the claims away from workers that are off the list or were silent
/// since then; how many it was.
pub(crate) async fn rescue(parts: &Parts, silent_since: Timestamp) -> Result<usize, JournalError> {
    let mut rescued = 0;
    loop {
        let Found { rows: orphans, unreadable } = parts.journal.orphans(silent_since, PAGE).await?;
        put_aside(parts, unreadable).await?;
        let before = rescued;
        for orphan in &orphans {
            rescued += usize::from(lose(parts, orphan).await?);
        }
        // A page on which others were faster is looked at again next time.
        if orphans.len() < PAGE as usize || rescued == before {
            return Ok(rescued);
        }
    }
}

async fn lose(parts: &Parts, orphan: &Orphan) -> Result<bool, JournalError> {
    let run = orphan.claim.slot.run;
    let command = Command::Lose { claim: orphan.claim.clone() };
    let applied = match parts.apply(Order { run, command, rows: Vec::new() }).await {
        Ok(applied) => applied,
        // Its worker finished after all, or another rescuer was faster.
        Err(JournalError::Refused(_) | JournalError::UnknownRun(_)) => return Ok(false),
        Err(error) if is_hopeless(&error) => {
            let unreadable = Unreadable { slot: orphan.claim.slot, why: error.to_string() };
            put_aside(parts, vec![unreadable]).await?;
            return Ok(false);
        }
        // Another program's; that one rescues it.
        Err(error @ JournalError::UnknownDefinition(_)) => {
            parts.failed(Part::Delivery, &error);
            return Ok(false);
        }
        Err(error) => return Err(error),
    };
    tracing::info!(worker = %orphan.worker, slot = %orphan.claim.slot, "reclaimed work of a dead worker");
    parts.passes(CrashPoint::OrphanLost).await;
    drop_old_pointer(parts, run, &applied).await;
    parts.push(&applied.run.definition, &applied.deliveries).await;
    Ok(true)
}

/// Sets aside what can't be read; what can't even be set aside holds up nothing
/// else.
async fn put_aside(parts: &Parts, unreadable: Vec<Unreadable>) -> Result<(), JournalError> {
    for Unreadable { slot, why } in unreadable {
        match set_aside(parts, slot, &JournalError::Corrupt(why)).await {
            Ok(()) => {}
            Err(error @ (JournalError::Unavailable(_) | JournalError::Full(_))) => return Err(error),
            Err(error) => parts.failed(Part::Delivery, &format!("{slot} can't be set aside: {error}")),
        }
    }
    Ok(())
}

/// The pointer that led to the lost attempt leads nowhere any more.
async fn drop_old_pointer(parts: &Parts, run: RunId, applied: &Applied) {
    let lost = applied.events.iter().find_map(|event| match &event.kind {
        EventKind::Lost(attempt) => Some(attempt),
        _ => None,
    });
    let Some(lost) = lost else { return };
    let slot = crate::id::Slot { run, step: lost.step, item: lost.item };
    let id = Delivery { slot, attempt: lost.attempt }.id();
    if let Err(error) = parts.queue.acknowledge(&applied.run.definition, &[id]).await {
        parts.failed(Part::Push, &error);
    }
}
