//! What every queue must do, whatever it is made of.

mod basics;
mod controls;
mod order;
mod redis;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::Queue;
use super::memory::MemoryQueue;
use crate::controls::{Controls, TenantControls};
use crate::decide::Scheduled;
use crate::id::{Delivery, RunId, Slot};
use crate::time::{Clock, SystemClock, Timestamp};

const NOT_AT_ALL: Duration = Duration::ZERO;
/// Far longer than any test takes: who waits this long was not woken.
const LONG: Duration = Duration::from_secs(30);

/// A queue, and a topic of it on which nothing happened yet.
struct QueueHarness {
    queue: Arc<dyn Queue>,
    topic: String,
}

impl QueueHarness {
    fn on(queue: Arc<dyn Queue>) -> Self {
        Self { queue, topic: Uuid::new_v4().to_string() }
    }

    async fn push(&self, deliveries: &[Scheduled]) {
        self.queue.push(&self.topic, deliveries).await.unwrap();
    }

    async fn pull(&self, max: usize, patience: Duration) -> Vec<Delivery> {
        let pulled = self.queue.pull(&self.topic, max, patience).await.unwrap();
        pulled.into_iter().map(|pulled| pulled.delivery).collect()
    }

    /// All that can be pulled now.
    async fn pull_all(&self) -> Vec<Delivery> {
        self.pull(100, NOT_AT_ALL).await
    }

    async fn acknowledge(&self, deliveries: &[Delivery]) {
        let ids: Vec<_> = deliveries.iter().map(Delivery::id).collect();
        self.queue.acknowledge(&self.topic, &ids).await.unwrap();
    }

    /// So many, pulled one by one and acknowledged; whose they were.
    async fn serve(&self, count: usize) -> Vec<String> {
        let mut tenants = Vec::new();
        for _ in 0..count {
            let pulled = self.queue.pull(&self.topic, 1, LONG).await.unwrap();
            self.acknowledge(&[pulled[0].delivery]).await;
            tenants.push(pulled[0].tenant.clone());
        }
        tenants
    }

    /// Sets `tenants` and nothing else.
    async fn configure(&self, revision: u64, tenants: &[(&str, TenantControls)]) {
        let tenants = tenants.iter().map(|(name, set)| ((*name).to_owned(), *set)).collect();
        let controls = Controls { revision, tenants, ..Controls::default() };
        self.queue.configure(&Arc::new(controls)).await.unwrap();
    }

    async fn depth(&self) -> super::Depth {
        self.queue.depth(&self.topic).await.unwrap()
    }
}

fn delivery(priority: u8, due_at: Timestamp) -> Scheduled {
    let slot = Slot { run: RunId::new(), step: 0, item: None };
    Scheduled { delivery: Delivery { slot, attempt: 1 }, due_at, priority, tenant: "t".to_owned() }
}

/// So many of the tenant's, due now.
fn deliveries(tenant: &str, count: usize) -> Vec<Scheduled> {
    let at = now();
    let new = || Scheduled { tenant: tenant.to_owned(), ..delivery(5, at) };
    std::iter::repeat_with(new).take(count).collect()
}

fn times(tenants: &[String], tenant: &str) -> usize {
    tenants.iter().filter(|served| *served == tenant).count()
}

fn now() -> Timestamp {
    SystemClock.now()
}

fn memory() -> QueueHarness {
    QueueHarness::on(Arc::new(MemoryQueue::new(Arc::new(SystemClock))))
}

/// Runs the whole suite, each part on a topic of its own.
async fn conforms<F: Future<Output = QueueHarness>>(fresh: impl Fn() -> F) {
    basics::urgent_first_and_oldest_among_equals(fresh().await).await;
    basics::a_delivery_stands_in_it_once(fresh().await).await;
    basics::what_is_due_earlier_after_all_comes_earlier(fresh().await).await;
    basics::nothing_comes_before_it_is_due(fresh().await).await;
    basics::a_push_wakes_who_waits(fresh().await).await;
    basics::only_what_is_in_flight_is_released_or_acknowledged(fresh().await).await;
    basics::a_delivery_comes_with_its_tenant(fresh().await).await;
    order::a_level_higher_for_each_age_step(fresh().await).await;
    order::what_ages_in_the_queue_goes_up(fresh().await).await;
    order::tenants_take_turns(fresh().await).await;
    order::twice_the_weight_is_twice_the_share(fresh().await).await;
    order::who_was_idle_has_no_credit(fresh().await).await;
    order::who_comes_and_goes_gains_nothing(fresh().await).await;
    order::a_flood_makes_a_light_tenant_wait_twice_as_long_at_most(fresh().await).await;
    controls::a_tenant_has_no_more_in_flight_than_it_may(fresh().await).await;
    controls::a_tenant_starts_no_more_a_minute_than_it_may(fresh().await).await;
    controls::what_is_paused_stays_until_it_is_resumed(fresh().await).await;
    controls::a_crowd_of_the_paused_holds_up_nobody(fresh().await).await;
    controls::an_older_revision_changes_nothing(fresh().await).await;
}

#[tokio::test]
async fn the_queue_in_memory_conforms() {
    conforms(|| async { memory() }).await;
}

#[tokio::test]
async fn a_full_queue_says_so_and_keeps_what_it_has() {
    let harness = QueueHarness::on(Arc::new(MemoryQueue::with_capacity(Arc::new(SystemClock), 2)));
    let three = [delivery(5, now()), delivery(5, now()), delivery(5, now())];
    let full = harness.queue.push(&harness.topic, &three).await;
    assert_eq!(full, Err(super::QueueError::Full { capacity: 2 }));
    assert_eq!(harness.pull_all().await.len(), 2);
}
