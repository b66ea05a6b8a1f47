//! Saying that the worker lives, and hearing what is not wanted any more.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::running::{Running, Stop};
use crate::aside::set_aside;
use crate::backoff::{Backoff, pause};
use crate::health::Part;
use crate::id::WorkerName;
use crate::journal::{JournalError, Unreadable};
use crate::parts::Parts;
use crate::state::RunStatus;
use crate::watch::WatchError;

/// How often a worker that is at something asks whether it still holds it: what
/// another process cancels or takes away is stopped after this long at most.
const LOOK_EVERY: Duration = Duration::from_millis(250);

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

    /// Says that the worker lives, for ever.
    pub(super) async fn beat(self: Arc<Self>) {
        loop {
            pause(self.every).await;
            self.beat_once().await;
        }
    }

    async fn beat_once(&self) -> bool {
        let beat = self.parts.journal.heartbeat(&self.name, self.parts.clock.now()).await;
        self.note(&beat);
        beat.is_ok()
    }

    /// Stops what this worker does not hold any more, for ever.
    pub(super) async fn look(self: Arc<Self>) {
        loop {
            pause(LOOK_EVERY).await;
            self.look_once().await;
        }
    }

    async fn look_once(&self) {
        // Noted before the journal is asked: what is claimed meanwhile is not in
        // its answer.
        let claims = self.running.claims();
        if claims.is_empty() {
            return;
        }
        let held = self.parts.journal.held(&self.name).await;
        self.note(&held);
        let Ok(held) = held else { return };
        for (delivery, _) in claims.iter().filter(|(_, claim)| !held.rows.contains(claim)) {
            self.running.stop(delivery, Stop::Lost);
        }
        for Unreadable { slot, why } in held.unreadable {
            if let Err(error) = set_aside(&self.parts, slot, &JournalError::Corrupt(why)).await {
                self.parts.failed(Part::Delivery, &format!("{slot} can't be set aside: {error}"));
            }
        }
    }

    fn note<T>(&self, result: &Result<T, JournalError>) {
        match result {
            Ok(_) => self.parts.health.succeeded(Part::Heartbeat),
            Err(error) => self.parts.failed(Part::Heartbeat, error),
        }
    }

    /// Stops at once what this process itself has ended, for ever.
    pub(super) async fn listen(self: Arc<Self>) {
        let mut endings = self.parts.hub.endings();
        loop {
            match endings.next().await {
                Ok(ended) if ended.status == RunStatus::Cancelled => {
                    self.running.stop_run(ended.run, Stop::Ended);
                }
                // It may have been redriven before this was heard: the journal knows.
                Ok(ended) if ended.status == RunStatus::Failed && self.running.is_at_run(ended.run) => {
                    self.look_once().await;
                }
                Ok(_) => {}
                Err(WatchError::Lagged { .. }) => self.look_once().await,
                Err(WatchError::Closed | WatchError::Journal(_)) => return,
            }
        }
    }
}
