//! A worker: takes deliveries, makes attempts, records what came of them.

mod attempt;
mod config;
mod heart;
mod running;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::backoff::Backoff;
use crate::dispatch::{self, Attempts, Source};
use crate::health::Part;
use crate::id::WorkerName;
use crate::parts::Parts;
use crate::reconcile::Reconciler;
use crate::steering;
use attempt::Attempter;
pub use config::{ConfigError, WorkerConfig};
use heart::Heart;
use running::{Running, Stop};

/// How long attempts that were told to stop have for stopping, and for giving
/// their claims back. What takes longer is taken by the others when the lease
/// is over.
const HAND_BACK_MAX: Duration = Duration::from_secs(5);

/// One worker under one name.
struct Worker {
    parts: Arc<Parts>,
    name: WorkerName,
    config: WorkerConfig,
    running: Arc<Running>,
    /// From here on nothing new is begun.
    draining: CancellationToken,
}

/// Works until `shutdown`, then drains. A worker whose loop breaks is replaced
/// by one with a new name, so that the others take what the broken one held.
pub(crate) async fn run(parts: &Arc<Parts>, config: &WorkerConfig, shutdown: &CancellationToken) {
    let mut backoff = Backoff::default();
    loop {
        let worker = Worker {
            parts: Arc::clone(parts),
            name: WorkerName::unique(&config.name_prefix),
            config: config.clone(),
            running: Arc::default(),
            draining: shutdown.clone(),
        };
        let name = worker.name.clone();
        let ended = worker.run().await;
        retire(parts, &name).await;
        match ended {
            Ok(()) => return,
            Err(broken) => parts.failed(Part::Worker, &broken),
        }
        backoff.wait().await;
    }
}

/// Takes the worker off the list. Should that fail, its lease runs out.
async fn retire(parts: &Parts, name: &WorkerName) {
    if let Err(error) = parts.journal.retire(std::slice::from_ref(name)).await {
        parts.failed(Part::Heartbeat, &error);
    }
}

impl Worker {
    async fn run(self) -> Result<(), String> {
        let heart = Heart {
            parts: Arc::clone(&self.parts),
            running: Arc::clone(&self.running),
            name: self.name.clone(),
            every: self.config.heartbeat_every,
        };
        // Whoever holds a claim and is not on the list counts as dead.
        if !heart.register(&self.draining).await {
            return Ok(());
        }
        tracing::info!(worker = %self.name, "worker started");
        let reconciler = Reconciler {
            parts: Arc::clone(&self.parts),
            every: self.config.reconcile_every,
            lease: self.config.lease,
            retention: self.config.retention,
            looked_at: BTreeMap::new(),
        };
        let heart = Arc::new(heart);
        let _beating = AbortOnDropHandle::new(tokio::spawn(Arc::clone(&heart).beat()));
        let _looking = AbortOnDropHandle::new(tokio::spawn(Arc::clone(&heart).look()));
        let _listening = AbortOnDropHandle::new(tokio::spawn(heart.listen()));
        let _reconciling = AbortOnDropHandle::new(tokio::spawn(reconciler.run()));
        let _steering = AbortOnDropHandle::new(tokio::spawn(steering::follow(Arc::clone(&self.parts))));
        let mut topics = self.topics();
        tokio::select! {
            () = self.draining.cancelled() => {}
            Some(ended) = topics.join_next() => ended.map_err(|error| error.to_string())??,
        }
        self.drain(topics).await;
        Ok(())
    }

    fn topics(&self) -> JoinSet<Result<(), String>> {
        let sharing =
            self.parts.workflows.values().filter(|w| w.definition.beside_the_others_at_once().is_none());
        let (slots, count) = (self.config.concurrency.get(), sharing.count().max(1));
        let semaphore = Arc::new(Semaphore::new(slots));
        let attempts: Arc<dyn Attempts> = Arc::new(Attempter {
            parts: Arc::clone(&self.parts),
            name: self.name.clone(),
            running: Arc::clone(&self.running),
            draining: self.draining.clone(),
        });
        let mut topics = JoinSet::new();
        for workflow in self.parts.workflows.values() {
            let aside = workflow.definition.beside_the_others_at_once().map(NonZeroUsize::get);
            let source = Arc::new(Source {
                parts: Arc::clone(&self.parts),
                workflow: workflow.clone(),
                slots: aside.map_or_else(|| Arc::clone(&semaphore), |own| Arc::new(Semaphore::new(own))),
                share: aside.unwrap_or_else(|| (slots / count).max(1)),
            });
            let name = format!("{}/{}", self.name, workflow.definition.name());
            let (attempts, shutdown) = (Arc::clone(&attempts), self.draining.clone());
            topics.spawn(async move {
                let ended = dispatch::run(&name, source, attempts, shutdown.clone()).await;
                match ended {
                    Ok(()) if shutdown.is_cancelled() => Ok(()),
                    Ok(()) => Err(format!("the loop of {name} ended by itself")),
                    Err(error) => Err(format!("the loop of {name} ended: {error}")),
                }
            });
        }
        topics
    }

    /// Waits for what is running; after the grace time has it given back.
    async fn drain(&self, mut topics: JoinSet<Result<(), String>>) {
        let grace = self.config.drain_grace;
        if tokio::time::timeout(grace, over(&mut topics)).await.is_ok() {
            return;
        }
        self.running.stop_all(Stop::Drained);
        if tokio::time::timeout(HAND_BACK_MAX, over(&mut topics)).await.is_err() {
            let left = self.running.count();
            self.parts.failed(Part::Worker, &format!("{left} attempts were still made when the worker left"));
        }
    }
}

async fn over(topics: &mut JoinSet<Result<(), String>>) {
    while topics.join_next().await.is_some() {}
}
