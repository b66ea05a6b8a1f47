//! Saying that the worker lives, and hearing what is not wanted any more.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::running::{Running, Stop};
use crate::backoff::{Backoff, pause};
use crate::event::{Event, EventKind};
use crate::health::Part;
use crate::id::{Delivery, RunId, Slot, WorkerName};
use crate::journal::JournalError;
use crate::parts::Parts;
use crate::watch::{WatchError, Watcher};

pub(super) struct Heart {
    pub(super) parts: Arc<Parts>,
    pub(super) running: Arc<Running>,
    pub(super) name: WorkerName,
    pub(super) every: Duration,
}

impl Heart {
    /// Puts the worker on the list, however long the journal takes; false when
    /// it is to leave before.
    pub(super) async fn register(&self, leave: &CancellationToken) -> bool {
        let registered = async {
            let mut backoff = Backoff::default();
            while !self.beat_once().await {
                backoff.wait().await;
            }
        };
        leave.run_until_cancelled(registered).await.is_some()
    }

    /// Says that the worker lives, and asks the journal what has ended: the
    /// slow but sure way to hear of it.
    pub(super) async fn beat(self: Arc<Self>) {
        loop {
            pause(self.every).await;
            self.beat_once().await;
            self.sweep().await;
        }
    }

    async fn beat_once(&self) -> bool {
        let beat = self.parts.journal.heartbeat(&self.name, self.parts.clock.now()).await;
        self.note(&beat);
        beat.is_ok()
    }

    /// Stops the attempts of runs that have ended.
    async fn sweep(&self) {
        self.sweep_among(self.running.deliveries()).await;
    }

    /// Asks which of these are for runs that have ended. What is begun while the
    /// journal is asked is not among them: its run may have been redriven since.
    async fn sweep_among(&self, deliveries: Vec<Delivery>) {
        if deliveries.is_empty() {
            return;
        }
        let runs: Vec<RunId> = deliveries.iter().map(|delivery| delivery.slot.run).collect();
        let ended = self.parts.journal.ended(&runs).await;
        self.note(&ended);
        let ended: HashSet<RunId> = ended.unwrap_or_default().into_iter().collect();
        for delivery in deliveries.iter().filter(|delivery| ended.contains(&delivery.slot.run)) {
            self.running.stop(delivery, Stop::Ended);
        }
    }

    fn note<T>(&self, result: &Result<T, JournalError>) {
        match result {
            Ok(_) => self.parts.health.succeeded(Part::Heartbeat),
            Err(error) => self.parts.failed(Part::Heartbeat, error),
        }
    }

    /// Hears of it from the committed events: at once when it happens here.
    pub(super) async fn listen(self: Arc<Self>) {
        let mut backoff = Backoff::default();
        loop {
            match Watcher::new(&self.parts.hub).await {
                Ok(watcher) => self.follow(watcher).await,
                Err(error) => self.parts.failed(Part::Watch, &error),
            }
            backoff.wait().await;
        }
    }

    async fn follow(&self, mut watcher: Watcher) {
        // For what happened before there was somebody who listened.
        self.sweep().await;
        loop {
            match watcher.next().await {
                Ok(event) => self.hear(&event).await,
                Err(WatchError::Lagged { .. }) => self.sweep().await,
                Err(WatchError::Closed | WatchError::Journal(_)) => return,
            }
        }
    }

    async fn hear(&self, event: &Event) {
        match &event.kind {
            EventKind::Lost(attempt) if attempt.worker == self.name => {
                let slot = Slot { run: event.run, step: attempt.step, item: attempt.item };
                self.running.stop(&Delivery { slot, attempt: attempt.attempt }, Stop::Lost);
            }
            // It may have been redriven before this was heard: the journal knows.
            EventKind::RunFailed { .. } => {
                let mut of_run = self.running.deliveries();
                of_run.retain(|delivery| delivery.slot.run == event.run);
                self.sweep_among(of_run).await;
            }
            EventKind::Cancelled => self.running.stop_run(event.run, Stop::Ended),
            _ => {}
        }
    }
}
