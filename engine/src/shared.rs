//! State shared by the tasks of one engine.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Notify;

use crate::controls::CurrentControls;
use crate::crash::{CrashHook, CrashPoint};
use crate::decide::Scheduled;
use crate::error::StepError;
use crate::health::{Health, Part};
use crate::id::RunId;
use crate::journal::{CommandRequest, Committed, Journal, JournalError};
use crate::meter;
use crate::queue::Queue;
use crate::state::ItemOutput;
use crate::step::ItemReader;
use crate::time::Clock;
use crate::watch::Hub;
use crate::workflow::Workflows;

pub(crate) struct Shared {
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) queue: Arc<dyn Queue>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) workflows: Workflows,
    pub(crate) hub: Arc<Hub>,
    pub(crate) health: Arc<Health>,
    /// The settings of operators, as far as this process knows.
    pub(crate) controls: CurrentControls,
    pub(crate) crash_hook: Option<Arc<dyn CrashHook>>,
    /// Notified when deliveries are known to be missing in the queue.
    pub(crate) queue_incomplete: Notify,
}

impl Shared {
    /// Commits a command and notifies the watchers. The runs that begin with it are
    /// pushed; its own deliveries are left to the caller.
    pub(crate) async fn apply(&self, request: CommandRequest) -> Result<Committed, JournalError> {
        let committed = self.journal.apply(request).await?;
        self.publish(&committed);
        for begun in &committed.begun {
            self.publish(begun);
            self.push(&begun.run.definition, &begun.deliveries).await;
        }
        Ok(committed)
    }

    /// Notifies the watchers of what was committed, and counts it.
    pub(crate) fn publish(&self, committed: &Committed) {
        self.hub.publish(&committed.events);
        if let Some(workflow) = self.workflows.get(committed.run.definition.as_str()) {
            meter::committed(workflow.definition(), &committed.run, &committed.events);
        }
    }

    /// Pushes the deliveries of a commit. A queue that fails costs time, never work:
    /// the reconciler pushes them again.
    pub(crate) async fn push(&self, workflow: &str, deliveries: &[Scheduled]) {
        if deliveries.is_empty() {
            return;
        }
        match self.queue.push(workflow, deliveries).await {
            Ok(_) => self.health.succeeded(Part::Push),
            Err(error) => {
                self.failed(Part::Push, &error);
                self.queue_incomplete.notify_one();
            }
        }
    }

    pub(crate) fn failed(&self, part: Part, error: &dyn std::fmt::Display) {
        meter::failed_in_background(part.word());
        self.health.failed(part, error, self.clock.now());
    }

    /// Passes a crash point. Does nothing unless a test has set a hook.
    pub(crate) async fn passes(&self, point: CrashPoint) {
        if let Some(hook) = &self.crash_hook {
            hook.reached(point).await;
        }
    }
}

#[async_trait]
impl ItemReader for Shared {
    async fn items(
        &self,
        run: RunId,
        step: u16,
        from: u32,
        limit: u32,
    ) -> Result<Vec<ItemOutput>, StepError> {
        self.journal.items(run, step, from, limit).await.map_err(|error| error.to_step_error())
    }
}
