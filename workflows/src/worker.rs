//! Runs the workflows, and removes files, objects and rows that are no longer needed.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use untxt_engine::engine::EngineError;
use untxt_engine::id::RunId;
use untxt_engine::state::RunStatus;
use untxt_engine::watch::Ended;
use untxt_engine::worker::WorkerConfig;

use crate::boxed;
use crate::settings::Settings;
use crate::tasks::Tasks;

/// How often local copies, while there are any, are compared with the runs they
/// belong to: what another process ended is only found so.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// Runs the workflows of all processes on this machine.
pub struct Worker {
    tasks: Tasks,
    process: String,
}

impl Worker {
    pub(crate) fn new(tasks: Tasks, process: String) -> Self {
        Self { tasks, process }
    }

    /// Name of this process, never reused; also the prefix of its workers' names.
    #[must_use]
    pub fn process(&self) -> &str {
        &self.process
    }

    /// Runs steps until `shutdown`, then drains.
    ///
    /// # Errors
    /// When the settings are invalid.
    #[boxed]
    pub async fn run(&self, shutdown: CancellationToken) -> Result<(), EngineError> {
        self.tasks.records.report_clocks().await;
        let config = config(self.tasks.settings(), &self.process);
        let working = self.tasks.engine().run_worker(config, shutdown.clone());
        tokio::pin!(working);
        tokio::select! {
            ended = &mut working => ended,
            () = Box::pin(self.tidy()) => working.await,
        }
    }

    /// Keeps the disk, the store and the tables clean; never returns.
    async fn tidy(&self) {
        let tasks = &self.tasks;
        tokio::join!(self.sweep(), tasks.keep_removing(), tasks.keep_erasing(), tasks.keep_aborting());
    }

    /// Removes local copies of tasks that have ended; never returns.
    async fn sweep(&self) {
        let mut tick = interval(SWEEP_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut endings = self.tasks.engine().endings();
        loop {
            tokio::select! {
                Ok(ended) = endings.next() => self.hear(ended).await,
                // Also for what other processes ended, and for what was missed.
                _ = tick.tick() => {
                    self.tasks.resources().renderer.close_unused();
                    self.compare().await;
                }
            }
        }
    }

    async fn hear(&self, ended: Ended) {
        match ended.status {
            RunStatus::Partial | RunStatus::Failed => self.clear_if_ended(&[ended.run]).await,
            _ => self.tasks.resources().clear(ended.run).await,
        }
    }

    async fn compare(&self) {
        let Ok(local) = self.tasks.resources().temp_dirs.tasks().await else { return };
        if !local.is_empty() {
            self.clear_if_ended(&local).await;
        }
    }

    /// A run may have been redriven before its end was heard of here; what it
    /// works with then stays.
    async fn clear_if_ended(&self, runs: &[RunId]) {
        match self.tasks.engine().ended(runs).await {
            Ok(ended) => {
                for run in ended {
                    self.tasks.resources().clear(run).await;
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
