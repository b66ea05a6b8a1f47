//! The worker's heartbeat, and stopping attempts that are no longer wanted.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::running::{Running, Stop};
use crate::backoff::{Backoff, pause};
use crate::health::Part;
use crate::id::WorkerName;
use crate::journal::{JournalError, Unreadable};
use crate::set_aside::set_aside;
use crate::shared::Shared;
use crate::state::RunStatus;
use crate::watch::WatchError;

/// How often a worker that makes attempts asks whether it still holds their claims:
/// what another process cancels or takes over stops after this long at most.
const CHECK_EVERY: Duration = Duration::from_millis(250);

pub(super) struct Heartbeat {
    pub(super) shared: Arc<Shared>,
    pub(super) running: Arc<Running>,
    pub(super) name: WorkerName,
    pub(super) every: Duration,
    /// Told whether the worker is to start nothing new.
    pub(super) drained: watch::Sender<bool>,
}

impl Heartbeat {
    /// Puts the worker on the list, however long the journal takes; false when it
    /// shuts down before.
    pub(super) async fn register(&self, shutdown: &CancellationToken) -> bool {
        let registered = async {
            let mut backoff = Backoff::default();
            while !self.beat_once().await {
                backoff.wait().await;
            }
        };
        shutdown.run_until_cancelled(registered).await.is_some()
    }

    /// Sends heartbeats, for ever.
    pub(super) async fn beat(self: Arc<Self>) {
        loop {
            pause(self.every).await;
            self.beat_once().await;
        }
    }

    async fn beat_once(&self) -> bool {
        let beat = self.shared.journal.heartbeat(&self.name, self.shared.clock.now()).await;
        self.note(&beat);
        if let Ok(draining) = beat {
            let changed =
                self.drained.send_if_modified(|known| std::mem::replace(known, draining) != draining);
            if changed {
                tracing::info!(worker = %self.name, draining, "an operator drains the worker or resumes it");
            }
        }
        beat.is_ok()
    }

    /// Stops attempts whose claims this worker no longer holds, for ever.
    pub(super) async fn check_claims(self: Arc<Self>) {
        loop {
            pause(CHECK_EVERY).await;
            self.check_once().await;
        }
    }

    async fn check_once(&self) {
        // Read before the journal is asked: its answer does not contain what is
        // claimed meanwhile.
        let claims = self.running.claims();
        if claims.is_empty() {
            return;
        }
        let held = self.shared.journal.held(&self.name).await;
        self.note(&held);
        let Ok(held) = held else { return };
        for (delivery, _) in claims.iter().filter(|(_, claim)| !held.rows.contains(claim)) {
            self.running.stop(delivery, Stop::Lost);
        }
        for Unreadable { slot, why } in held.unreadable {
            if let Err(error) = set_aside(&self.shared, slot, &JournalError::Corrupt(why)).await {
                self.shared.failed(Part::Delivery, &format!("{slot} can't be set aside: {error}"));
            }
        }
    }

    fn note<T>(&self, result: &Result<T, JournalError>) {
        match result {
            Ok(_) => self.shared.health.succeeded(Part::Heartbeat),
            Err(error) => self.shared.failed(Part::Heartbeat, error),
        }
    }

    /// Stops attempts of runs that end in this process at once, for ever.
    pub(super) async fn listen(self: Arc<Self>) {
        let mut endings = self.shared.hub.endings();
        loop {
            match endings.next().await {
                Ok(ended) if ended.status == RunStatus::Cancelled => {
                    self.running.stop_run(ended.run, Stop::Ended);
                }
                // It may have been redriven since: the journal knows.
                Ok(ended) if ended.status == RunStatus::Failed && self.running.is_at_run(ended.run) => {
                    self.check_once().await;
                }
                Ok(_) => {}
                Err(WatchError::Lagged { .. }) => self.check_once().await,
                Err(WatchError::Closed | WatchError::Journal(_)) => return,
            }
        }
    }
}
