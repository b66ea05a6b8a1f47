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
use crate::queue::{self, QueueError};
use crate::workflow::Workflow;

/// How long one pull waits for something to do. The queue wakes it when there is
/// something, and the worker drops it when it leaves, so this is only how often
/// it begins anew.
const PATIENCE: Duration = Duration::from_secs(10);

/// One topic, as one worker sees it.
pub(crate) struct Source {
    pub(crate) parts: Arc<Parts>,
    pub(crate) workflow: Workflow,
    /// The worker's slots, shared by its topics.
    pub(crate) slots: Arc<Semaphore>,
    /// Slots this topic may hold while it asks for deliveries, so that the others
    /// can ask too.
    pub(crate) share: usize,
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
            match self.next().await {
                Ok(pulled) if pulled.is_empty() => backoff = Backoff::default(),
                Ok(pulled) => {
                    self.parts.passes(CrashPoint::Pulled).await;
                    return pulled;
                }
                Err(error) => {
                    self.parts.failed(Part::Pull, &error);
                    backoff.wait().await;
                }
            }
        }
    }

    /// Takes what is there into free slots. While there is nothing it holds none
    /// of them: another topic may use them all. Should it have done so when
    /// something comes, that goes back.
    async fn next(&self) -> Result<Vec<Pulled>, QueueError> {
        let slots = self.free_slots().await;
        let pulled = self.pull_into(slots.len(), Duration::ZERO, || slots).await?;
        if !pulled.is_empty() {
            return Ok(pulled);
        }
        let last_slot = || Arc::clone(&self.slots).try_acquire_owned().into_iter().collect();
        self.pull_into(1, PATIENCE, last_slot).await
    }

    async fn pull_into(
        &self,
        max: usize,
        patience: Duration,
        slots: impl FnOnce() -> Vec<OwnedSemaphorePermit>,
    ) -> Result<Vec<Pulled>, QueueError> {
        let deliveries = self.parts.queue.pull(self.topic(), max, patience).await?;
        self.parts.health.succeeded(Part::Pull);
        Ok(self.accept(deliveries, slots()).await)
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
