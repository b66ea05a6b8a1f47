//! What every task of one engine shares.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::sync::Notify;

use crate::controls::CurrentControls;
use crate::crash::{CrashHook, CrashPoint};
use crate::decide::Scheduled;
use crate::health::{Health, Part};
use crate::journal::{Applied, Journal, JournalError, Order};
use crate::meter;
use crate::queue::Queue;
use crate::time::Clock;
use crate::watch::Hub;
use crate::workflow::Workflow;

pub(crate) struct Parts {
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) queue: Arc<dyn Queue>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) workflows: BTreeMap<&'static str, Workflow>,
    /// Names of these workflows, and of others whose queues are known.
    pub(crate) queues: BTreeSet<&'static str>,
    pub(crate) hub: Arc<Hub>,
    pub(crate) health: Arc<Health>,
    /// What operators set, as far as this process knows.
    pub(crate) controls: CurrentControls,
    pub(crate) crash_hook: Option<Arc<dyn CrashHook>>,
    /// Something is known to be missing in the queue.
    pub(crate) queue_incomplete: Notify,
}

impl Parts {
    /// Has an order followed and tells the watchers; what begins with it is
    /// pushed.
    pub(crate) async fn apply(&self, order: Order) -> Result<Applied, JournalError> {
        let applied = self.journal.apply(order).await?;
        self.tell(&applied);
        for begun in &applied.begun {
            self.tell(begun);
            self.push(&begun.run.definition, &begun.deliveries).await;
        }
        Ok(applied)
    }

    /// Tells the watchers what was committed, and has it counted.
    pub(crate) fn tell(&self, applied: &Applied) {
        self.hub.publish(&applied.events);
        if let Some(workflow) = self.workflows.get(applied.run.definition.as_str()) {
            meter::committed(&workflow.definition, &applied.run, &applied.events);
        }
    }

    /// Pushes what a commit called for. A queue that fails costs time, never
    /// work: the reconciler pushes it again.
    pub(crate) async fn push(&self, workflow: &str, pointers: &[Scheduled]) {
        if pointers.is_empty() {
            return;
        }
        match self.queue.push(workflow, pointers).await {
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

    /// Passes a crash point; nothing happens there unless a test wants it.
    pub(crate) async fn passes(&self, point: CrashPoint) {
        if let Some(hook) = &self.crash_hook {
            hook.reached(point).await;
        }
    }
}
