//! Saying that the worker lives, and hearing what is not wanted any more.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::running::{Running, Stop};
use crate::backoff::{Backoff, pause};
use crate::event::{Event, EventKind};
use crate::health::Part;
use crate::id::{Delivery, Slot, WorkerName};
use crate::journal::JournalError;
use crate::parts::Parts;
use crate::watch::{WatchError, Watcher, ends};

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
        let runs = self.running.runs();
        if runs.is_empty() {
            return;
        }
        let ended = self.parts.journal.ended(&runs).await;
        self.note(&ended);
        for run in ended.unwrap_or_default() {
            self.running.stop_run(run, Stop::Ended);
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
                Ok(event) => self.hear(&event),
                Err(WatchError::Lagged { .. }) => self.sweep().await,
                Err(WatchError::Closed | WatchError::Journal(_)) => return,
            }
        }
    }

    fn hear(&self, event: &Event) {
        match &event.kind {
            EventKind::Lost(attempt) if attempt.worker == self.name => {
                let slot = Slot { run: event.run, step: attempt.step, item: attempt.item };
                self.running.stop(&Delivery { slot, attempt: attempt.attempt }, Stop::Lost);
            }
            kind if ends(kind) => self.running.stop_run(event.run, Stop::Ended),
            _ => {}
        }
    }
}
