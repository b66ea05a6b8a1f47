//! The engine as the product sees it.

mod dead_letters;
mod retries;

use std::sync::{Arc, Weak};

use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::boxed;
use crate::controls::{ControlChange, Controls, CurrentControls, TenantControls, TenantPatch};
use crate::crash::{CrashHook, CrashPoint};
use crate::decide::Command;
use crate::definition::Definition;
use crate::event::Event;
use crate::health::{Health, Part, Problem};
use crate::id::{RunId, WorkerName};
use crate::journal::audit::AuditEntry;
use crate::journal::inspect::{Backlog, Holding, Retry};
use crate::journal::{CommandRequest, Histories, Journal, JournalError, RunFilter, WorkerInfo};
use crate::new_run::NewRun;
use crate::queue::{Depth, Queue, QueueError, QueueServer};
use crate::reconcile::rescue;
use crate::rows::RowChange;
use crate::shared::Shared;
use crate::state::{ItemCount, ItemOutput, ItemSummary, RunState};
use crate::time::{Clock, SystemClock, Timestamp};
use crate::watch::{Endings, Hub, RunWatcher, WatchError, Watcher};
use crate::worker::{self, ConfigError, WorkerConfig};
pub use dead_letters::{AttemptEnd, AttemptRecord};

/// Why the engine could not do it.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The worker's settings can't work.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The journal could not do it.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The queue could not do it.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// Watching ended early.
    #[error(transparent)]
    Watch(#[from] WatchError),
}

/// Puts an engine together.
pub struct EngineBuilder {
    journal: Arc<dyn Journal>,
    queue: Arc<dyn Queue>,
    clock: Arc<dyn Clock>,
    crash_hook: Option<Arc<dyn CrashHook>>,
}

impl EngineBuilder {
    /// Uses another clock than the machine's.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Has every crash point told to `hook`; for tests.
    #[must_use]
    pub fn crash_hook(mut self, hook: Arc<dyn CrashHook>) -> Self {
        self.crash_hook = Some(hook);
        self
    }

    /// The engine. Nothing runs yet.
    #[must_use]
    pub fn build(self) -> Engine {
        let health = Arc::new(Health::default());
        let hub = Hub::new(Arc::clone(&self.journal), Arc::clone(&self.clock), Arc::clone(&health));
        let (journal, queue, clock) = (self.journal, self.queue, self.clock);
        let workflows = journal.workflows().clone();
        let (hub, crash_hook) = (Arc::new(hub), self.crash_hook);
        let (controls, queue_incomplete) = (CurrentControls::default(), tokio::sync::Notify::new());
        let shared =
            Shared { journal, queue, clock, workflows, hub, health, controls, crash_hook, queue_incomplete };
        Engine { shared: Arc::new(shared) }
    }
}

/// A journal, a queue and workflows, put to work. Cheap to clone; clones are
/// the same engine.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

/// An engine for what the engine itself keeps, such as a step that asks it for
/// something: it does not keep the engine.
#[derive(Clone)]
pub struct WeakEngine {
    shared: Weak<Shared>,
}

impl WeakEngine {
    /// The engine; `None` when it is gone.
    #[must_use]
    pub fn upgrade(&self) -> Option<Engine> {
        self.shared.upgrade().map(|shared| Engine { shared })
    }
}

impl Engine {
    /// The same engine, not kept by this.
    #[must_use]
    pub fn downgrade(&self) -> WeakEngine {
        WeakEngine { shared: Arc::downgrade(&self.shared) }
    }

    /// Begins to build an engine for the workflows that `journal` was opened with; it
    /// uses the machine's clock unless told otherwise.
    #[must_use]
    pub fn builder(journal: Arc<dyn Journal>, queue: Arc<dyn Queue>) -> EngineBuilder {
        let clock = Arc::new(SystemClock);
        EngineBuilder { journal, queue, clock, crash_hook: None }
    }

    /// Records a run and makes it known to the workers. When this returns, the
    /// run will end in a terminal status whatever crashes; also when the call
    /// is dropped after its commit.
    ///
    /// # Errors
    /// [`JournalError::Conflict`] when one of its rows exists,
    /// [`JournalError::UnknownDefinition`], [`JournalError::Unavailable`].
    #[boxed]
    pub async fn submit(&self, run: NewRun) -> Result<RunState, JournalError> {
        let submitted = self.submit_all(vec![run]).await?;
        let first = submitted.into_iter().next();
        first.ok_or_else(|| JournalError::Corrupt("a submitted run is missing in the answer".to_owned()))
    }

    /// Records runs, all or none, and makes them known to the workers.
    ///
    /// # Errors
    /// Like [`Engine::submit`].
    #[boxed]
    pub async fn submit_all(&self, runs: Vec<NewRun>) -> Result<Vec<RunState>, JournalError> {
        let submitted = self.shared.journal.submit(runs).await?;
        for committed in &submitted {
            self.shared.publish(committed);
        }
        self.shared.passes(CrashPoint::Submitted).await;
        for committed in &submitted {
            self.shared.push(&committed.run.definition, &committed.deliveries).await;
        }
        Ok(submitted.into_iter().map(|committed| committed.run).collect())
    }

    /// Stops a run. Its running attempts are told at once in this process and
    /// within a heartbeat in others; whatever they return is not recorded.
    ///
    /// # Errors
    /// [`JournalError::Refused`] when it has ended already,
    /// [`JournalError::UnknownRun`], [`JournalError::Unavailable`].
    #[boxed]
    pub async fn cancel(&self, run: RunId) -> Result<RunState, JournalError> {
        let request = CommandRequest { run, command: Command::Cancel, rows: Vec::new() };
        Ok(self.shared.apply(request).await?.run)
    }

    /// Erases an ended run, and writes `rows` with it; see [`Journal::erase`].
    ///
    /// # Errors
    /// Those of [`Journal::erase`].
    #[boxed]
    pub async fn erase(&self, run: RunId, rows: Vec<RowChange>) -> Result<(), JournalError> {
        self.shared.journal.erase(run, rows).await?;
        self.shared.hub.erased(run);
        Ok(())
    }

    /// What time it is by the engine's clock, which its leases, due times and
    /// audit go by.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    /// That clock.
    #[must_use]
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.shared.clock)
    }

    /// What serves the queue, where that is a server of its own.
    ///
    /// # Errors
    /// [`QueueError`].
    #[boxed]
    pub async fn queue_server(&self) -> Result<Option<QueueServer>, QueueError> {
        self.shared.queue.server().await
    }

    /// The run, if there is one.
    ///
    /// # Errors
    /// Those of [`Journal::run`].
    #[boxed]
    pub async fn run(&self, run: RunId) -> Result<Option<RunState>, JournalError> {
        self.shared.journal.run(run).await
    }

    /// Runs, newest first, and how many there are in all.
    ///
    /// # Errors
    /// Those of [`Journal::runs`].
    #[boxed]
    pub async fn runs(
        &self,
        filter: &RunFilter,
        limit: u32,
        offset: u64,
    ) -> Result<(Vec<RunState>, u64), JournalError> {
        self.shared.journal.runs(filter, limit, offset).await
    }

    /// Items of a run's step with what they returned; see [`Journal::items`].
    ///
    /// # Errors
    /// Those of [`Journal::items`].
    #[boxed]
    pub async fn items(
        &self,
        run: RunId,
        step: u16,
        from: u32,
        limit: u32,
    ) -> Result<Vec<ItemOutput>, JournalError> {
        self.shared.journal.items(run, step, from, limit).await
    }

    /// The same items without what they returned; see [`Journal::item_summaries`].
    ///
    /// # Errors
    /// Those of [`Journal::item_summaries`].
    #[boxed]
    pub async fn item_summaries(
        &self,
        run: RunId,
        step: u16,
        from: u32,
        limit: u32,
    ) -> Result<Vec<ItemSummary>, JournalError> {
        self.shared.journal.item_summaries(run, step, from, limit).await
    }

    /// What the same items returned, as JSON text; see [`Journal::item_outputs`].
    ///
    /// # Errors
    /// Those of [`Journal::item_outputs`].
    #[boxed]
    pub async fn item_outputs(
        &self,
        run: RunId,
        step: u16,
        from: u32,
        limit: u32,
    ) -> Result<Vec<(u32, String)>, JournalError> {
        self.shared.journal.item_outputs(run, step, from, limit).await
    }

    /// The run's events after `after_seq`, in order, at most `limit`.
    ///
    /// # Errors
    /// Those of [`Journal::history`].
    #[boxed]
    pub async fn history(&self, run: RunId, after_seq: u64, limit: u32) -> Result<Vec<Event>, JournalError> {
        self.shared.journal.history(run, after_seq, limit).await
    }

    /// The events of several runs; see [`Journal::histories`].
    ///
    /// # Errors
    /// Those of [`Journal::histories`].
    #[boxed]
    pub async fn histories(
        &self,
        runs: &[RunId],
        after: Option<(RunId, u64)>,
        limit: u32,
    ) -> Result<Histories, JournalError> {
        self.shared.journal.histories(runs, after, limit).await
    }

    /// How many items runs have, and how many are done; see
    /// [`Journal::item_counts`].
    ///
    /// # Errors
    /// Those of [`Journal::item_counts`].
    #[boxed]
    pub async fn item_counts(&self, runs: &[RunId]) -> Result<Vec<(RunId, ItemCount)>, JournalError> {
        self.shared.journal.item_counts(runs).await
    }

    /// The workers that are on the list.
    ///
    /// # Errors
    /// Those of [`Journal::workers`].
    #[boxed]
    pub async fn workers(&self) -> Result<Vec<WorkerInfo>, JournalError> {
        self.shared.journal.workers().await
    }

    /// Has a worker start nothing new, or start again what is there; within a heartbeat.
    /// What it runs it finishes, and its process goes on. It is written down who did it.
    /// False if no such worker is on the list.
    ///
    /// # Errors
    /// Those of [`Journal::drain`].
    #[boxed]
    pub async fn drain_worker(
        &self,
        worker: &WorkerName,
        draining: bool,
        by: &str,
        reason: &str,
    ) -> Result<bool, JournalError> {
        let action = if draining { "drain-worker" } else { "resume-worker" }.to_owned();
        let (at, actor, subject) = (self.shared.clock.now(), by.to_owned(), format!("worker {worker}"));
        let entry = AuditEntry { at, actor, action, subject, detail: json!({ "reason": reason }) };
        self.shared.journal.drain(worker, draining, entry).await
    }

    /// Names of its workflows, each of which has a queue.
    pub fn workflows(&self) -> impl Iterator<Item = &'static str> {
        self.shared.workflows.iter().map(|workflow| workflow.definition().name())
    }

    /// The definition of its workflow called `name`, if there is one.
    #[must_use]
    pub fn definition(&self, name: &str) -> Option<&Definition> {
        self.shared.workflows.definition(name)
    }

    /// Which of `runs` have ended (or do not exist); see [`Journal::ended`].
    ///
    /// # Errors
    /// Those of [`Journal::ended`].
    #[boxed]
    pub async fn ended(&self, runs: &[RunId]) -> Result<Vec<RunId>, JournalError> {
        self.shared.journal.ended(runs).await
    }

    /// The `seq` of the last event of each of `runs`; see [`Journal::last_seqs`].
    ///
    /// # Errors
    /// Those of [`Journal::last_seqs`].
    #[boxed]
    pub async fn last_seqs(&self, runs: &[RunId]) -> Result<Vec<(RunId, u64)>, JournalError> {
        self.shared.journal.last_seqs(runs).await
    }

    /// What workers hold; see [`Journal::holdings`].
    ///
    /// # Errors
    /// Those of [`Journal::holdings`].
    #[boxed]
    pub async fn holdings(&self, limit: u32) -> Result<Vec<Holding>, JournalError> {
        self.shared.journal.holdings(limit).await
    }

    /// What waits for a retry, the latest due first, and how much it is in all.
    ///
    /// # Errors
    /// Those of [`Journal::retries`].
    #[boxed]
    pub async fn retries(&self, limit: u32, offset: u64) -> Result<(Vec<Retry>, u64), JournalError> {
        self.shared.journal.retries(limit, offset).await
    }

    /// How much of the workflow's work is open now.
    ///
    /// # Errors
    /// Those of [`Journal::backlog`].
    #[boxed]
    pub async fn backlog(&self, workflow: &str) -> Result<Backlog, JournalError> {
        self.shared.journal.backlog(workflow, self.shared.clock.now()).await
    }

    /// What operators set about the order of work.
    ///
    /// # Errors
    /// Those of [`Journal::controls`].
    #[boxed]
    pub async fn controls(&self) -> Result<Controls, JournalError> {
        Ok(self.shared.journal.controls(0).await?.unwrap_or_default())
    }

    /// Has a workflow stand still or go on: at once in this process, within two
    /// seconds in others. What is in flight is finished. The audit says that `by`
    /// did it.
    ///
    /// # Errors
    /// [`JournalError::UnknownDefinition`], [`JournalError::Unavailable`].
    #[boxed]
    pub async fn pause_workflow(
        &self,
        workflow: &str,
        paused: bool,
        by: &str,
    ) -> Result<Controls, JournalError> {
        if self.shared.workflows.get(workflow).is_none() {
            return Err(JournalError::UnknownDefinition(workflow.to_owned()));
        }
        self.control(ControlChange::Workflow { name: workflow.to_owned(), paused }, by).await
    }

    /// Sets what a tenant gets, in all workflows: at once in this process, within
    /// two seconds in others. Any tenant's name is taken, also of one that has
    /// nothing to do yet. The audit says that `by` did it.
    ///
    /// # Errors
    /// Those of [`Journal::control`].
    #[boxed]
    pub async fn set_tenant(
        &self,
        tenant: &str,
        controls: TenantControls,
        by: &str,
    ) -> Result<Controls, JournalError> {
        self.control(ControlChange::Tenant { name: tenant.to_owned(), controls }, by).await
    }

    /// Changes some of what a tenant gets and leaves the rest as it is, also what
    /// somebody else changes at that moment.
    ///
    /// # Errors
    /// Those of [`Journal::control`].
    #[boxed]
    pub async fn adjust_tenant(
        &self,
        tenant: &str,
        patch: TenantPatch,
        by: &str,
    ) -> Result<Controls, JournalError> {
        self.control(ControlChange::Adjust { name: tenant.to_owned(), patch }, by).await
    }

    async fn control(&self, change: ControlChange, by: &str) -> Result<Controls, JournalError> {
        let controls = self.shared.journal.control(change, by, self.shared.clock.now()).await?;
        self.shared.controls.take(&Arc::new(controls.clone()));
        // It stands in the journal; a queue that does not answer hears of it from
        // whoever works.
        if let Err(error) = self.shared.queue.configure(&self.shared.controls.get()).await {
            self.shared.failed(Part::ControlSync, &error);
        }
        Ok(controls)
    }

    /// How many waiting deliveries come before one pushed now with `priority`, at
    /// most; see [`Queue::ahead`].
    ///
    /// # Errors
    /// [`QueueError`].
    #[boxed]
    pub async fn ahead(&self, workflow: &str, priority: u8) -> Result<u64, QueueError> {
        self.shared.queue.ahead(workflow, priority).await
    }

    /// How full the workflow's queue is. That it answers ends the problem of a
    /// push that failed.
    ///
    /// # Errors
    /// [`QueueError`].
    #[boxed]
    pub async fn depth(&self, workflow: &str) -> Result<Depth, QueueError> {
        let depth = self.shared.queue.depth(workflow).await?;
        // It answers again. What could not be pushed meanwhile whoever works pushes,
        // which may be another process: this one would never hear of it.
        self.shared.health.succeeded(Part::Push);
        Ok(depth)
    }

    /// Every event of every run from now on, whoever commits it.
    ///
    /// # Errors
    /// [`JournalError::Unavailable`] when the present end can't be read.
    #[boxed]
    pub async fn watch(&self) -> Result<Watcher, JournalError> {
        Watcher::new(&self.shared.hub).await
    }

    /// Every event of one run after `after_seq`: those of the past, then those
    /// to come, to the one that ends it. The run need not be there yet when this
    /// is called, but has to be when the first event is asked for.
    ///
    /// # Errors
    /// None now: the past is read when the first event is asked for.
    #[boxed]
    pub async fn watch_run(&self, run: RunId, after_seq: u64) -> Result<RunWatcher, JournalError> {
        Ok(RunWatcher::new(&self.shared.hub, run, after_seq))
    }

    /// The runs that this process brings to an end from now on: what others end
    /// is not heard of.
    #[must_use]
    pub fn endings(&self) -> Endings {
        self.shared.hub.endings()
    }

    /// Waits until the run has ended; one that is redriven meanwhile, until it
    /// has ended again.
    ///
    /// # Errors
    /// [`JournalError::UnknownRun`] when it is not there or is erased while this
    /// waits; [`JournalError::Unavailable`]: the same call may be made again.
    #[boxed]
    pub async fn wait(&self, run: RunId) -> Result<RunState, EngineError> {
        let watcher = RunWatcher::new(&self.shared.hub, run, 0);
        let seen = self.run(run).await?.ok_or(JournalError::UnknownRun(run))?;
        self.to_the_end(watcher, seen).await
    }

    /// Records a run like [`Engine::submit`] and waits until it has ended.
    ///
    /// # Errors
    /// Those of [`Engine::submit`], and [`EngineError::Watch`] when the run was
    /// recorded but can't be followed: [`Engine::wait`] may be called then.
    #[boxed]
    pub async fn execute(&self, run: NewRun) -> Result<RunState, EngineError> {
        let watcher = RunWatcher::new(&self.shared.hub, run.id, 0);
        let begun = self.submit(run).await?;
        self.to_the_end(watcher, begun).await
    }

    /// The state that `watcher` leads to from `state`, which was read after it had
    /// begun to listen.
    async fn to_the_end(
        &self,
        mut watcher: RunWatcher,
        mut state: RunState,
    ) -> Result<RunState, EngineError> {
        if state.status.is_terminal() {
            return Ok(state);
        }
        watcher.is_at(state.seq);
        loop {
            match watcher.next().await {
                Ok(Some(event)) => state.apply(&event),
                Ok(None) => return Ok(state),
                // It ended and was pruned before it was looked at; its row says how.
                Err(WatchError::Journal(JournalError::Pruned(run))) => {
                    return Ok(self.run(run).await?.ok_or(JournalError::UnknownRun(run))?);
                }
                Err(WatchError::Journal(error @ JournalError::UnknownRun(_))) => return Err(error.into()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Works until `shutdown`, then drains: begins nothing new, lets what runs
    /// finish within the grace time, gives the rest back. No failure of the
    /// journal or the queue ends it; see [`Engine::health`]. Dropping the
    /// future instead is like a crash.
    ///
    /// # Errors
    /// [`EngineError::Config`].
    #[boxed]
    pub async fn run_worker(
        &self,
        config: WorkerConfig,
        shutdown: CancellationToken,
    ) -> Result<(), EngineError> {
        config.check()?;
        worker::run(&self.shared, &config, &shutdown).await;
        Ok(())
    }

    /// Takes over at once what `workers` held: they are known to be gone. How
    /// many claims that were.
    ///
    /// # Errors
    /// [`JournalError::Unavailable`]; what was not taken over yet is when the
    /// lease is over.
    #[boxed]
    pub async fn declare_dead(&self, workers: &[WorkerName]) -> Result<usize, JournalError> {
        self.shared.journal.retire(workers).await?;
        // Nobody was silent since before time began: only who is off the list.
        rescue(&self.shared, Timestamp(i64::MIN)).await
    }

    /// What does not work at the moment; empty when all is well.
    #[must_use]
    pub fn health(&self) -> Vec<Problem> {
        self.shared.health.problems(self.shared.clock.now())
    }
}
