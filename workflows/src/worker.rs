//! Works on tasks, and keeps this machine's disk clean of those that ended.

use std::num::NonZeroUsize;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use untxt_engine::engine::EngineError;
use untxt_engine::event::{Event, EventKind};
use untxt_engine::id::RunId;
use untxt_engine::watch::WatchError;
use untxt_engine::worker::WorkerConfig;

use crate::platform::Platform;

/// How often local copies are compared with the runs they belong to, for those
/// whose end went unheard.
const SWEEP_EVERY: Duration = Duration::from_secs(10);

impl Platform {
    /// Works until `shutdown`, then drains.
    ///
    /// # Errors
    /// When the settings can't work.
    pub async fn work(&self, shutdown: CancellationToken) -> Result<(), EngineError> {
        let config = WorkerConfig {
            concurrency: self.settings().concurrency,
            name_prefix: self.process().to_owned(),
            ..WorkerConfig::default()
        };
        let working = self.engine().run_worker(config, shutdown.clone());
        tokio::pin!(working);
        tokio::select! {
            ended = &mut working => ended,
            () = self.sweep() => working.await,
        }
    }

    /// Goes through dead letters, and does nothing else, until `shutdown`.
    ///
    /// # Errors
    /// When the settings can't work.
    pub async fn work_on_letters(&self, shutdown: CancellationToken) -> Result<(), EngineError> {
        let config = WorkerConfig {
            concurrency: NonZeroUsize::MIN,
            name_prefix: self.process().to_owned(),
            ..WorkerConfig::default()
        };
        self.bulk_engine().run_worker(config, shutdown).await
    }

    /// Removes local copies of tasks that have ended; never returns.
    async fn sweep(&self) {
        let mut tick = interval(SWEEP_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            match self.engine().watch().await {
                Ok(mut watcher) => loop {
                    tokio::select! {
                        event = watcher.next() => match event {
                            Ok(event) => self.hear(&event).await,
                            // What was missed is found by the comparison.
                            Err(WatchError::Lagged { .. }) => {}
                            Err(_) => break,
                        },
                        _ = tick.tick() => self.compare().await,
                    }
                },
                Err(_) => {
                    tick.tick().await;
                }
            }
        }
    }

    async fn hear(&self, event: &Event) {
        match &event.kind {
            EventKind::Completed | EventKind::Cancelled => self.bench().clear(event.run).await,
            EventKind::CompletedPartially { .. } | EventKind::RunFailed { .. } => {
                self.clear_if_ended(&[event.run]).await;
            }
            _ => {}
        }
    }

    async fn compare(&self) {
        let Ok(local) = self.bench().scratch.tasks() else { return };
        if !local.is_empty() {
            self.clear_if_ended(&local).await;
        }
    }

    /// A run may have been redriven before its end was heard of here; what it
    /// works with then stays.
    async fn clear_if_ended(&self, runs: &[RunId]) {
        match self.bench().journal.ended(runs).await {
            Ok(ended) => {
                for run in ended {
                    self.bench().clear(run).await;
                }
            }
            Err(error) => {
                tracing::warn!(%error, "could not compare local files with the journal; the next sweep does")
            }
        }
    }
}
