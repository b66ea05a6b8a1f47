//! Works on tasks, and keeps this machine's disk clean of those that ended.

use std::num::NonZeroUsize;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use untxt_engine::engine::EngineError;
use untxt_engine::id::RunId;
use untxt_engine::state::RunStatus;
use untxt_engine::watch::Ended;
use untxt_engine::worker::WorkerConfig;

use crate::platform::{Platform, Settings};
use crate::redrive;

/// How often local copies, while there are any, are compared with the runs they
/// belong to: what another process ended is only found so.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

impl Platform {
    /// Works until `shutdown`, then drains.
    ///
    /// # Errors
    /// When the settings can't work.
    pub async fn work(&self, shutdown: CancellationToken) -> Result<(), EngineError> {
        self.report_clocks().await;
        let config = config(self.settings(), self.process());
        let working = self.engine().run_worker(config, shutdown.clone());
        tokio::pin!(working);
        tokio::select! {
            ended = &mut working => ended,
            () = Box::pin(self.tidy()) => working.await,
        }
    }

    /// Keeps the disk, the store and the tables clean; never returns.
    async fn tidy(&self) {
        tokio::join!(self.sweep(), self.keep_removing(), self.keep_erasing(), self.keep_aborting());
    }

    /// Goes through dead letters, and does nothing else, until `shutdown`.
    ///
    /// # Errors
    /// When the settings can't work.
    pub async fn work_on_letters(&self, shutdown: CancellationToken) -> Result<(), EngineError> {
        let config = WorkerConfig {
            concurrency: NonZeroUsize::MIN,
            name_prefix: self.process().to_owned(),
            workflows: Some(vec![redrive::WORKFLOW]),
            ..WorkerConfig::default()
        };
        self.engine().run_worker(config, shutdown).await
    }

    /// Removes local copies of tasks that have ended; never returns.
    async fn sweep(&self) {
        let mut tick = interval(SWEEP_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut endings = self.engine().endings();
        loop {
            tokio::select! {
                Ok(ended) = endings.next() => self.hear(ended).await,
                // Also for what other processes ended, and for what was missed.
                _ = tick.tick() => {
                    self.bench().renderer.close_unused();
                    self.compare().await;
                }
            }
        }
    }

    async fn hear(&self, ended: Ended) {
        match ended.status {
            RunStatus::Partial | RunStatus::Failed => self.clear_if_ended(&[ended.run]).await,
            _ => self.bench().clear(ended.run).await,
        }
    }

    async fn compare(&self) {
        let Ok(local) = self.bench().scratch.tasks().await else { return };
        if !local.is_empty() {
            self.clear_if_ended(&local).await;
        }
    }

    /// A run may have been redriven before its end was heard of here; what it
    /// works with then stays.
    async fn clear_if_ended(&self, runs: &[RunId]) {
        match self.engine().ended(runs).await {
            Ok(ended) => {
                for run in ended {
                    self.bench().clear(run).await;
                }
            }
            Err(error) => {
                tracing::warn!(%error, "can't compare local files with the journal; the next sweep retries")
            }
        }
    }
}

/// Four heartbeats may be late before a lease is over, and a short lease is
/// looked after as often.
fn config(settings: &Settings, process: &str) -> WorkerConfig {
    let beat = settings.lease / 5;
    let default = WorkerConfig::default();
    WorkerConfig {
        concurrency: settings.concurrency,
        heartbeat_every: beat,
        lease: settings.lease,
        reconcile_every: default.reconcile_every.min(beat * 2),
        retention: settings.retention,
        name_prefix: process.to_owned(),
        ..default
    }
}
