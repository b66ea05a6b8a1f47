//! Whose turn it is.

use std::num::NonZeroU32;
use std::time::Duration;

use super::{QueueHarness, deliveries, delivery, now, times};
use crate::controls::TenantControls;
use crate::decide::Scheduled;
use crate::queue::AGE_STEP;
use crate::time::Timestamp;

fn ago(duration: Duration) -> Timestamp {
    Timestamp(now().0 - i64::try_from(duration.as_millis()).unwrap())
}

pub(super) async fn a_level_higher_for_each_age_step(harness: QueueHarness) {
    let fresh = |priority| delivery(priority, now());
    let aged = |priority, steps| delivery(priority, ago(AGE_STEP * steps + AGE_STEP / 2));
    let pushed = [fresh(8), fresh(6), aged(5, 2), aged(1, 60), fresh(7), aged(9, 0)];
    harness.push(&pushed).await;
    let order = [3, 5, 0, 2, 4, 1].map(|at: usize| pushed[at].delivery);
    assert_eq!(harness.queue.ahead(&harness.topic, 7).await.unwrap(), 5);
    for expected in order {
        assert_eq!(harness.pull(1, Duration::ZERO).await, [expected]);
    }
}

/// Deliveries that were fresh when they came, and grow old while others are served.
pub(super) async fn what_ages_in_the_queue_goes_up(harness: QueueHarness) {
    // A twentieth of a second before they count one level higher.
    let soon = Duration::from_millis(50);
    let due_at = ago(AGE_STEP - soon);
    let old = |tenant: &str| Scheduled { tenant: tenant.to_owned(), ..delivery(4, due_at) };
    let pushed = [old("a"), old("a"), old("b")];
    harness.push(&pushed).await;
    let rival = delivery(5, now());
    harness.push(std::slice::from_ref(&rival)).await;
    assert_eq!(harness.queue.ahead(&harness.topic, 5).await.unwrap(), 1);
    assert_eq!(harness.pull(1, Duration::ZERO).await, [rival.delivery]);
    // Noticed a little later: a pull does not look at everything each time.
    while now() < due_at.after(AGE_STEP + soon) {
        tokio::task::yield_now().await;
    }
    let later = deliveries("c", 3);
    harness.push(&later).await;
    let first = harness.serve(3).await;
    assert_eq!((times(&first, "a"), times(&first, "b"), times(&first, "c")), (1, 1, 1), "{first:?}");
    assert_eq!(harness.serve(3).await.len(), 3);
}

pub(super) async fn tenants_take_turns(harness: QueueHarness) {
    for tenant in ["a", "b", "c"] {
        harness.push(&deliveries(tenant, 10)).await;
    }
    let served = harness.serve(15).await;
    assert_eq!(["a", "b", "c"].map(|tenant| times(&served, tenant)), [5, 5, 5], "{served:?}");
    let rest = harness.queue.pull(&harness.topic, 9, Duration::ZERO).await.unwrap();
    let rest: Vec<_> = rest.into_iter().map(|pulled| pulled.tenant).collect();
    assert_eq!(["a", "b", "c"].map(|tenant| times(&rest, tenant)), [3, 3, 3], "in one pull too: {rest:?}");
}

pub(super) async fn twice_the_weight_is_twice_the_share(harness: QueueHarness) {
    for tenant in ["a", "b"] {
        harness.push(&deliveries(tenant, 40)).await;
    }
    let heavy = TenantControls { weight: NonZeroU32::new(3).unwrap(), ..TenantControls::default() };
    harness.configure(1, &[("b", heavy)]).await;
    let served = harness.serve(40).await;
    assert!((29..=31).contains(&times(&served, "b")), "{served:?}");
}

pub(super) async fn who_was_idle_has_no_credit(harness: QueueHarness) {
    for tenant in ["busy", "too"] {
        harness.push(&deliveries(tenant, 60)).await;
    }
    harness.serve(60).await;
    harness.push(&deliveries("idle", 30)).await;
    let served = harness.serve(30).await;
    assert!((9..=11).contains(&times(&served, "idle")), "{served:?}");
}

/// Whoever pushes one at a time is not ahead of the others each time.
pub(super) async fn who_comes_and_goes_gains_nothing(harness: QueueHarness) {
    for at in 0..9 {
        harness.push(&deliveries(&format!("tenant {at}"), 20)).await;
    }
    let mut served = Vec::new();
    for _ in 0..10 {
        harness.push(&deliveries("come and go", 1)).await;
        let before = times(&served, "come and go");
        while times(&served, "come and go") == before {
            served.extend(harness.serve(1).await);
        }
    }
    assert!(served.len() >= 80, "ten of its own were served among {}", served.len());
}

/// How long each of a light tenant's deliveries waits, ten at a time: in deliveries
/// of anybody, its own included. The 95th of a hundred.
async fn p95_wait(harness: &QueueHarness) -> usize {
    let mut waits = Vec::new();
    for _ in 0..10 {
        harness.push(&deliveries("light", 10)).await;
        let (mut deliveries, mut own) = (0, 0);
        while own < 10 {
            deliveries += 1;
            if harness.serve(1).await == ["light"] {
                own += 1;
                waits.push(deliveries);
            }
        }
    }
    waits.sort_unstable();
    waits[94]
}

pub(super) async fn a_flood_makes_a_light_tenant_wait_twice_as_long_at_most(harness: QueueHarness) {
    let alone = p95_wait(&harness).await;
    harness.push(&deliveries("flood", 10_000)).await;
    let flooded = p95_wait(&harness).await;
    assert!(flooded <= 2 * alone, "{alone} alone, {flooded} under a flood");
}
