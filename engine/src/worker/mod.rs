//! A worker: pulls deliveries, makes attempts, commits their outcomes.

mod attempt;
mod config;
mod heartbeat;
mod running;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::backoff::Backoff;
use crate::control_sync;
use crate::dispatch::{self, HandleDelivery, Source};
use crate::health::Part;
use crate::id::WorkerName;
use crate::reconcile::Reconciler;
use crate::shared::Shared;
use crate::workflow::Workflow;
use attempt::AttemptRunner;
pub use config::{ConfigError, WorkerConfig};
use heartbeat::Heartbeat;
use running::{Running, Stop};

/// How long attempts that were told to stop may take to stop and hand back their
/// claims. Other workers take over what is left when the lease expires.
const HAND_BACK_MAX: Duration = Duration::from_secs(5);

/// One worker under one name.
struct Worker {
    shared: Arc<Shared>,
    name: WorkerName,
    config: WorkerConfig,
    running: Arc<Running>,
    /// Fires when nothing new may begin any more.
    draining: CancellationToken,
    /// Whether an operator wants nothing new begun for now.
    drained: watch::Receiver<bool>,
}

/// Works until `shutdown`, then drains. A worker whose loop fails is replaced by one
/// with a new name, so that its claims are taken over like those of any other.
pub(crate) async fn run(shared: &Arc<Shared>, config: &WorkerConfig, shutdown: &CancellationToken) {
    let mut backoff = Backoff::default();
    loop {
        let (drained, told) = watch::channel(false);
        let worker = Worker {
            shared: Arc::clone(shared),
            name: WorkerName::unique(&config.name_prefix),
            config: config.clone(),
            running: Arc::default(),
            draining: shutdown.clone(),
            drained: told,
        };
        let name = worker.name.clone();
        let ended = worker.run(drained).await;
        retire(shared, &name).await;
        match ended {
            Ok(()) => return,
            Err(broken) => shared.failed(Part::Worker, &broken),
        }
        backoff.wait().await;
    }
}

/// Removes the worker from the list. If that fails, its lease expires.
async fn retire(shared: &Shared, name: &WorkerName) {
    if let Err(error) = shared.journal.retire(std::slice::from_ref(name)).await {
        shared.failed(Part::Heartbeat, &error);
    }
}

impl Worker {
    async fn run(self, drained: watch::Sender<bool>) -> Result<(), String> {
        let heartbeat = Heartbeat {
            shared: Arc::clone(&self.shared),
            running: Arc::clone(&self.running),
            name: self.name.clone(),
            every: self.config.heartbeat_every,
            drained,
        };
        // A worker that holds a claim and is not on the list counts as dead.
        if !heartbeat.register(&self.draining).await {
            return Ok(());
        }
        tracing::info!(worker = %self.name, "worker started");
        let reconciler = Reconciler {
            shared: Arc::clone(&self.shared),
            every: self.config.reconcile_every,
            lease: self.config.lease,
            retention: self.config.retention,
            workflows: self.workflows().map(|workflow| workflow.definition().name()).collect(),
            looked_at: BTreeMap::new(),
        };
        let heartbeat = Arc::new(heartbeat);
        let _beating = AbortOnDropHandle::new(tokio::spawn(Arc::clone(&heartbeat).beat()));
        let _checking = AbortOnDropHandle::new(tokio::spawn(Arc::clone(&heartbeat).check_claims()));
        let _listening = AbortOnDropHandle::new(tokio::spawn(heartbeat.listen()));
        let _reconciling = AbortOnDropHandle::new(tokio::spawn(reconciler.run()));
        let controls = control_sync::sync(Arc::clone(&self.shared));
        let _synchronizing = AbortOnDropHandle::new(tokio::spawn(controls));
        let mut topics = self.topics();
        tokio::select! {
            () = self.draining.cancelled() => {}
            Some(ended) = topics.join_next() => ended.map_err(|error| error.to_string())??,
        }
        self.drain(topics).await;
        Ok(())
    }

    /// The workflows it runs.
    fn workflows(&self) -> impl Iterator<Item = &Workflow> {
        let only = self.config.workflows.as_deref();
        let chosen = move |workflow: &&Workflow| {
            only.is_none_or(|names| names.contains(&workflow.definition().name()))
        };
        self.shared.workflows.iter().filter(|workflow| workflow.has_code()).filter(chosen)
    }

    /// One task per workflow, each of which is a topic of the queue.
    fn topics(&self) -> JoinSet<Result<(), String>> {
        let sharing = self.workflows().filter(|w| w.definition().dedicated_concurrency().is_none());
        let (slots, count) = (self.config.concurrency.get(), sharing.count().max(1));
        let semaphore = Arc::new(Semaphore::new(slots));
        let handler: Arc<dyn HandleDelivery> = Arc::new(AttemptRunner {
            shared: Arc::clone(&self.shared),
            name: self.name.clone(),
            running: Arc::clone(&self.running),
            draining: self.draining.clone(),
            drained: self.drained.clone(),
        });
        let mut topics = JoinSet::new();
        for workflow in self.workflows() {
            let dedicated = workflow.definition().dedicated_concurrency().map(NonZeroUsize::get);
            let source = Arc::new(Source {
                shared: Arc::clone(&self.shared),
                workflow: workflow.clone(),
                slots: dedicated.map_or_else(|| Arc::clone(&semaphore), |own| Arc::new(Semaphore::new(own))),
                drained: self.drained.clone(),
                share: dedicated.unwrap_or_else(|| (slots / count).max(1)),
            });
            let name = format!("{}/{}", self.name, workflow.definition().name());
            let (handler, shutdown) = (Arc::clone(&handler), self.draining.clone());
            topics.spawn(async move {
                let ended = dispatch::run(&name, source, handler, shutdown.clone()).await;
                match ended {
                    Ok(()) if shutdown.is_cancelled() => Ok(()),
                    Ok(()) => Err(format!("the loop of {name} ended by itself")),
                    Err(error) => Err(format!("the loop of {name} ended: {error}")),
                }
            });
        }
        topics
    }

    /// Waits for the running attempts; has those handed back that outlast the grace
    /// time.
    async fn drain(&self, mut topics: JoinSet<Result<(), String>>) {
        let grace = self.config.drain_grace;
        if tokio::time::timeout(grace, over(&mut topics)).await.is_ok() {
            return;
        }
        self.running.stop_all(Stop::Drained);
        if tokio::time::timeout(HAND_BACK_MAX, over(&mut topics)).await.is_err() {
            let left = self.running.count();
            self.shared
                .failed(Part::Worker, &format!("{left} attempts did not stop before the worker shut down"));
        }
    }
}

async fn over(topics: &mut JoinSet<Result<(), String>>) {
    while topics.join_next().await.is_some() {}
}
