//! What operators set is kept to.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use super::{LONG, NOT_AT_ALL, QueueHarness, deliveries, now};
use crate::controls::{Controls, TenantControls};

fn limit(number: u32) -> Option<NonZeroU32> {
    NonZeroU32::new(number)
}

fn free() -> TenantControls {
    TenantControls::default()
}

fn paused() -> TenantControls {
    TenantControls { paused: true, ..free() }
}

pub(super) async fn a_tenant_has_no_more_in_flight_than_it_may(harness: QueueHarness) {
    harness.push(&deliveries("a", 5)).await;
    harness.configure(1, &[("a", TenantControls { concurrency: limit(2), ..free() })]).await;
    let two = harness.pull_all().await;
    assert_eq!(two.len(), 2);
    harness.push(&deliveries("b", 3)).await;
    assert_eq!(harness.pull_all().await.len(), 3, "others go on");
    harness.push(&deliveries("a", 1)).await;
    assert_eq!(harness.pull_all().await, [], "and what comes later waits too");
    let (next, ()) = tokio::join!(harness.pull(10, LONG), harness.acknowledge(&two[..1]));
    assert_eq!(next.len(), 1, "as one is done another is begun");
    let ids = [two[1].id()];
    harness.queue.release(&harness.topic, &ids).await.unwrap();
    assert_eq!(harness.pull_all().await, two[1..], "what is given back is not in flight");
    harness.configure(2, &[]).await;
    assert_eq!(harness.pull_all().await.len(), 3, "without the limit the rest comes");
}

pub(super) async fn a_tenant_starts_no_more_a_minute_than_it_may(harness: QueueHarness) {
    harness.push(&deliveries("a", 30)).await;
    // One in 50 ms, a second's worth at once.
    harness.configure(1, &[("a", TenantControls { starts_per_minute: limit(1_200), ..free() })]).await;
    let began = now();
    assert_eq!(harness.pull_all().await.len(), 20);
    assert_eq!(harness.pull(5, NOT_AT_ALL).await, []);
    assert_eq!(harness.pull(1, LONG).await.len(), 1, "woken when it may go on");
    assert!(now().since(began) >= Duration::from_millis(49));
}

pub(super) async fn what_is_paused_stays_until_it_is_resumed(harness: QueueHarness) {
    harness.push(&deliveries("a", 1)).await;
    harness.push(&deliveries("b", 1)).await;
    harness.configure(1, &[("a", paused())]).await;
    assert_eq!(harness.queue.pull(&harness.topic, 9, NOT_AT_ALL).await.unwrap()[0].tenant, "b");
    assert_eq!(harness.pull_all().await, []);
    let (resumed, ()) = tokio::join!(harness.pull(9, LONG), harness.configure(2, &[]));
    assert_eq!(resumed.len(), 1);

    harness.push(&deliveries("a", 1)).await;
    let paused_workflows = [harness.topic.clone()].into();
    let pause = Controls { revision: 3, paused_workflows, ..Controls::default() };
    harness.queue.configure(&Arc::new(pause)).await.unwrap();
    assert_eq!(harness.pull_all().await, []);
    assert_eq!(harness.depth().await.ready, 1);
    let (resumed, ()) = tokio::join!(harness.pull(9, LONG), harness.configure(4, &[]));
    assert_eq!(resumed.len(), 1);
}

pub(super) async fn a_crowd_of_the_paused_holds_up_nobody(harness: QueueHarness) {
    let names: Vec<String> = (0..300).map(|at| format!("paused {at}")).collect();
    for name in &names {
        harness.push(&deliveries(name, 1)).await;
    }
    let set: Vec<_> = names.iter().map(|name| (name.as_str(), paused())).collect();
    harness.configure(1, &set).await;
    let free = deliveries("z", 1);
    harness.push(&free).await;
    // Sooner than a look that comes by itself.
    assert_eq!(harness.pull(1, Duration::from_millis(900)).await, [free[0].delivery]);
    harness.configure(2, &[]).await;
    let mut pulled = Vec::new();
    while pulled.len() < names.len() {
        pulled.extend(harness.pull(64, LONG).await);
    }
    assert_eq!(harness.depth().await.ready, 0);
}

pub(super) async fn an_older_revision_changes_nothing(harness: QueueHarness) {
    harness.push(&deliveries("a", 1)).await;
    harness.configure(5, &[("a", paused())]).await;
    harness.configure(4, &[]).await;
    assert_eq!(harness.pull_all().await, []);
}
