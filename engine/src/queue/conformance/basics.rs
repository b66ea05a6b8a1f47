//! What comes out of what was put in.

use std::time::Duration;

use super::{LONG, NOT_AT_ALL, QueueHarness, delivery, now};
use crate::decide::Scheduled;
use crate::queue::{Depth, Pulled};

pub(super) async fn urgent_first_and_oldest_among_equals(harness: QueueHarness) {
    let at = now();
    let pushed = [delivery(5, at), delivery(10, at), delivery(1, at), delivery(10, at), delivery(5, at)];
    harness.push(&pushed).await;
    assert_eq!(harness.queue.ahead(&harness.topic, 5).await.unwrap(), 4);
    assert_eq!(harness.queue.ahead(&harness.topic, 10).await.unwrap(), 2);
    let order = [1, 3, 0, 4, 2].map(|at: usize| pushed[at].delivery);
    assert_eq!(harness.pull(2, NOT_AT_ALL).await, order[..2]);
    assert_eq!(harness.pull_all().await, order[2..]);
    assert_eq!(harness.pull_all().await, []);
}

pub(super) async fn a_delivery_stands_in_it_once(harness: QueueHarness) {
    let one = delivery(5, now());
    let later = delivery(5, now().after(LONG));
    harness.push(&[one.clone(), one.clone(), later.clone()]).await;
    harness.push(&[one.clone(), later.clone()]).await;
    assert_eq!(harness.depth().await, Depth { ready: 1, scheduled: 1, in_flight: 0 });
    assert_eq!(harness.pull_all().await, [one.delivery]);
    harness.push(std::slice::from_ref(&one)).await;
    assert_eq!(harness.pull_all().await, [], "in flight counts too");
    assert_eq!(harness.depth().await, Depth { ready: 0, scheduled: 1, in_flight: 1 });
    harness.acknowledge(&[one.delivery]).await;
    harness.push(std::slice::from_ref(&one)).await;
    assert_eq!(harness.pull_all().await, [one.delivery], "once acknowledged it is new again");
}

pub(super) async fn what_is_due_earlier_after_all_comes_earlier(harness: QueueHarness) {
    let later = delivery(5, now().after(LONG));
    harness.push(std::slice::from_ref(&later)).await;
    let waiting = harness.pull(1, LONG);
    let hurrying = async {
        tokio::task::yield_now().await;
        harness.push(&[Scheduled { due_at: now(), ..later.clone() }]).await;
    };
    let (pulled, ()) = tokio::join!(waiting, hurrying);
    assert_eq!(pulled, [later.delivery]);
    // What is in flight, or due already, stays where it is.
    harness.push(&[Scheduled { due_at: now(), ..later.clone() }]).await;
    assert_eq!(harness.depth().await, Depth { ready: 0, scheduled: 0, in_flight: 1 });
    harness.acknowledge(&[later.delivery]).await;
    let other = delivery(5, now().after(LONG));
    harness.push(std::slice::from_ref(&other)).await;
    harness.push(&[Scheduled { due_at: now().after(LONG * 2), ..other.clone() }]).await;
    harness.push(&[Scheduled { due_at: now().after(Duration::from_millis(40)), ..other.clone() }]).await;
    assert_eq!(harness.pull(1, LONG).await, [other.delivery], "the earliest counts");
    harness.acknowledge(&[other.delivery]).await;
    assert_eq!(harness.depth().await, Depth::default());
}

pub(super) async fn nothing_comes_before_it_is_due(harness: QueueHarness) {
    let due_at = now().after(Duration::from_millis(40));
    let early = delivery(5, due_at);
    harness.push(std::slice::from_ref(&early)).await;
    assert_eq!(harness.pull_all().await, []);
    assert_eq!(harness.pull(1, LONG).await, [early.delivery], "the due time wakes");
    assert!(now() >= due_at);
}

pub(super) async fn a_push_wakes_who_waits(harness: QueueHarness) {
    let one = delivery(5, now());
    let waiting = harness.pull(1, LONG);
    let pushing = async {
        tokio::task::yield_now().await;
        harness.push(std::slice::from_ref(&one)).await;
    };
    let (pulled, ()) = tokio::join!(waiting, pushing);
    assert_eq!(pulled, [one.delivery]);
}

pub(super) async fn only_what_is_in_flight_is_released_or_acknowledged(harness: QueueHarness) {
    let (urgent, other) = (delivery(9, now()), delivery(5, now()));
    harness.push(&[other.clone(), urgent.clone()]).await;
    harness.acknowledge(&[urgent.delivery, other.delivery]).await;
    assert_eq!(harness.depth().await.ready, 2, "nobody pulled them");
    assert_eq!(harness.pull(1, NOT_AT_ALL).await, [urgent.delivery]);
    let both = [urgent.delivery.id(), other.delivery.id()];
    harness.queue.release(&harness.topic, &both).await.unwrap();
    assert_eq!(harness.pull_all().await, [urgent.delivery, other.delivery], "back in its old place");
    assert_eq!(harness.queue.depth("another").await.unwrap(), Depth::default(), "topics are kept apart");
}

pub(super) async fn a_delivery_comes_with_its_tenant(harness: QueueHarness) {
    let pushed = ["größer", ""].map(|tenant| Scheduled { tenant: tenant.to_owned(), ..delivery(5, now()) });
    harness.push(&pushed).await;
    let mut pulled = harness.queue.pull(&harness.topic, 2, NOT_AT_ALL).await.unwrap();
    pulled.sort_by(|one, other| other.tenant.cmp(&one.tenant));
    let expected = pushed.map(|pushed| Pulled { delivery: pushed.delivery, tenant: pushed.tenant });
    assert_eq!(pulled, expected);
}
