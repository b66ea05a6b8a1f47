//! Where a worker's deliveries come from and where they go back to: one topic
//! of the queue, never more at once than there are free slots.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Following;
use crate::backoff::Backoff;
use crate::crash::CrashPoint;
use crate::health::Part;
use crate::id::Delivery;
use crate::parts::Parts;
use crate::queue;
use crate::workflow::Workflow;

/// One topic, as one worker sees it.
pub(crate) struct Source {
    pub(crate) parts: Arc<Parts>,
    pub(crate) workflow: Workflow,
    /// The worker's slots, shared by its topics.
    pub(crate) slots: Arc<Semaphore>,
    /// Slots this topic may hold while it waits, so that the others can wait too.
    pub(crate) share: usize,
    /// How long one pull waits before its slots are offered to the others.
    pub(crate) patience: Duration,
}

/// A delivery and the slot it is dealt with in; the slot is free again when
/// the last clone is dropped.
#[derive(Clone, Debug)]
pub(super) struct Pulled {
    pub(super) delivery: Delivery,
    pub(super) tenant: String,
    pub(super) _slot: Arc<OwnedSemaphorePermit>,
}

impl Source {
    pub(super) fn topic(&self) -> &'static str {
        self.workflow.definition.name()
    }

    /// The next deliveries, at least one; a queue that fails is asked again.
    pub(super) async fn pull(self: Arc<Self>) -> Vec<Pulled> {
        let mut backoff = Backoff::default();
        loop {
            let slots = self.free_slots().await;
            match self.parts.queue.pull(self.topic(), slots.len(), self.patience).await {
                Ok(deliveries) => {
                    self.parts.health.succeeded(Part::Pull);
                    let pulled = self.accept(deliveries, slots).await;
                    if !pulled.is_empty() {
                        self.parts.passes(CrashPoint::Pulled).await;
                        return pulled;
                    }
                }
                Err(error) => {
                    self.parts.failed(Part::Pull, &error);
                    drop(slots);
                    backoff.wait().await;
                }
            }
        }
    }

    async fn free_slots(&self) -> Vec<OwnedSemaphorePermit> {
        let mut slots = Vec::new();
        // Never closed, so this only waits.
        slots.extend(Arc::clone(&self.slots).acquire_owned().await.ok());
        while slots.len() < self.share
            && let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned()
        {
            slots.push(slot);
        }
        slots
    }

    /// Pairs what the queue gave with slots. A queue is not trusted: what
    /// points at no step is refused, what is too much goes back.
    async fn accept(
        &self,
        deliveries: Vec<queue::Pulled>,
        mut slots: Vec<OwnedSemaphorePermit>,
    ) -> Vec<Pulled> {
        let mut pulled = Vec::new();
        for queue::Pulled { delivery, tenant } in deliveries {
            if self.workflow.step(delivery.slot.step).is_none() {
                let topic = self.topic();
                let refused =
                    format!("{} is not a step of workflow `{topic}` in this program", delivery.slot);
                self.parts.failed(Part::Delivery, &refused);
                self.acknowledge(delivery).await;
            } else if let Some(slot) = slots.pop() {
                pulled.push(Pulled { delivery, tenant, _slot: Arc::new(slot) });
            } else {
                self.release(&[delivery]).await;
            }
        }
        pulled
    }

    pub(super) async fn acknowledge(&self, delivery: Delivery) {
        if let Err(error) = self.parts.queue.acknowledge(self.topic(), &[delivery.id()]).await {
            self.parts.failed(Part::Pull, &error);
        }
    }

    pub(super) async fn release(&self, deliveries: &[Delivery]) {
        let ids: Vec<_> = deliveries.iter().map(Delivery::id).collect();
        if let Err(error) = self.parts.queue.release(self.topic(), &ids).await {
            self.parts.failed(Part::Pull, &error);
        }
    }

    pub(super) async fn push(&self, following: &Following) {
        self.parts.push(&following.workflow, &following.pointers).await;
    }
}
