//! One topic of the queue, as one worker uses it: it pulls no more deliveries than
//! there are free slots, acknowledges them, and pushes what follows.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::NextDeliveries;
use crate::backoff::Backoff;
use crate::crash::CrashPoint;
use crate::health::Part;
use crate::id::Delivery;
use crate::queue::{self, QueueError};
use crate::shared::Shared;
use crate::workflow::Workflow;

/// How long one pull waits for a delivery. The queue wakes it when there is one, and
/// the worker drops it when it shuts down, so this is only how often it is repeated.
const PULL_WAIT: Duration = Duration::from_secs(10);

/// One topic, as one worker sees it.
pub(crate) struct Source {
    pub(crate) shared: Arc<Shared>,
    pub(crate) workflow: Workflow,
    /// The worker's slots, shared by its topics.
    pub(crate) slots: Arc<Semaphore>,
    /// Whether an operator wants nothing new begun for now.
    pub(crate) drained: watch::Receiver<bool>,
    /// The most slots this topic may take for one pull, so that the others can pull
    /// too.
    pub(crate) share: usize,
}

/// A delivery and the slot it occupies; the slot is free again when the last clone
/// is dropped.
#[derive(Clone, Debug)]
pub(super) struct Pulled {
    pub(super) delivery: Delivery,
    pub(super) tenant: String,
    pub(super) _slot: Arc<OwnedSemaphorePermit>,
}

impl Source {
    pub(super) fn topic(&self) -> &'static str {
        self.workflow.definition().name()
    }

    /// The next deliveries, at least one. A failed pull is repeated.
    pub(super) async fn pull(self: Arc<Self>) -> Vec<Pulled> {
        let mut backoff = Backoff::default();
        let mut drained = self.drained.clone();
        loop {
            // A worker that is gone tells nothing any more, and its topics end.
            drop(drained.wait_for(|drained| !drained).await);
            let next = tokio::select! {
                biased;
                Ok(_) = drained.wait_for(|drained| *drained) => continue,
                next = self.next() => next,
            };
            match next {
                Ok(pulled) if pulled.is_empty() => backoff = Backoff::default(),
                Ok(pulled) => {
                    self.shared.passes(CrashPoint::Pulled).await;
                    return pulled;
                }
                Err(error) => {
                    self.shared.failed(Part::Pull, &error);
                    backoff.wait().await;
                }
            }
        }
    }

    /// Pulls what is there into free slots. While there is nothing it takes no slot,
    /// so that other topics can use them all; what comes when they do is released.
    async fn next(&self) -> Result<Vec<Pulled>, QueueError> {
        let slots = self.free_slots().await;
        let pulled = self.pull_into(slots.len(), Duration::ZERO, || slots).await?;
        if !pulled.is_empty() {
            return Ok(pulled);
        }
        let last_slot = || Arc::clone(&self.slots).try_acquire_owned().into_iter().collect();
        self.pull_into(1, PULL_WAIT, last_slot).await
    }

    async fn pull_into(
        &self,
        max: usize,
        wait: Duration,
        slots: impl FnOnce() -> Vec<OwnedSemaphorePermit>,
    ) -> Result<Vec<Pulled>, QueueError> {
        let deliveries = self.shared.queue.pull(self.topic(), max, wait).await?;
        self.shared.health.succeeded(Part::Pull);
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

    /// Pairs deliveries with slots. The queue is not trusted: a delivery for no step
    /// is dropped, and what is more than was asked for is released.
    async fn accept(
        &self,
        deliveries: Vec<queue::Pulled>,
        mut slots: Vec<OwnedSemaphorePermit>,
    ) -> Vec<Pulled> {
        let mut pulled = Vec::new();
        for queue::Pulled { delivery, tenant } in deliveries {
            if self.workflow.definition().step(delivery.slot.step).is_none() {
                let topic = self.topic();
                let refused =
                    format!("{}: workflow `{topic}` has no such step in this program", delivery.slot);
                self.shared.failed(Part::Delivery, &refused);
                self.drop_delivery(delivery).await;
            } else if let Some(slot) = slots.pop() {
                pulled.push(Pulled { delivery, tenant, _slot: Arc::new(slot) });
            } else {
                self.release(&[delivery]).await;
            }
        }
        pulled
    }

    /// Pushes what follows `delivery` and removes it from the queue. Later steps are
    /// pushed before that, so that they are there if this process ends in between. A
    /// delivery of the same step is pushed after it: one that was handed back has the
    /// id of `delivery` itself.
    pub(super) async fn acknowledge(&self, delivery: Delivery, next: NextDeliveries) {
        let NextDeliveries { workflow, deliveries } = next;
        let step = delivery.slot.step;
        let (again, onward): (Vec<_>, Vec<_>) =
            deliveries.into_iter().partition(|next| next.delivery.slot.step == step);
        self.shared.push(&workflow, &onward).await;
        self.shared.passes(CrashPoint::Pushed).await;
        self.drop_delivery(delivery).await;
        self.shared.passes(CrashPoint::Acknowledged).await;
        self.shared.push(&workflow, &again).await;
    }

    /// Removes `delivery` from the queue.
    pub(super) async fn drop_delivery(&self, delivery: Delivery) {
        if let Err(error) = self.shared.queue.acknowledge(self.topic(), &[delivery.id()]).await {
            self.shared.failed(Part::Pull, &error);
        }
    }

    /// Returns `deliveries` to the queue.
    pub(super) async fn release(&self, deliveries: &[Delivery]) {
        let ids: Vec<_> = deliveries.iter().map(Delivery::id).collect();
        if let Err(error) = self.shared.queue.release(self.topic(), &ids).await {
            self.shared.failed(Part::Pull, &error);
        }
    }
}
