//! What comes out of what was put in.

use std::time::Duration;

use super::{Bench, LONG, NOT_AT_ALL, now, pointer};
use crate::decide::Scheduled;
use crate::queue::{Depth, Pulled};

pub(super) async fn urgent_first_and_oldest_among_equals(bench: Bench) {
    let at = now();
    let pushed = [pointer(5, at), pointer(10, at), pointer(1, at), pointer(10, at), pointer(5, at)];
    bench.push(&pushed).await;
    assert_eq!(bench.queue.ahead(&bench.topic, 5).await.unwrap(), 4);
    assert_eq!(bench.queue.ahead(&bench.topic, 10).await.unwrap(), 2);
    let order = [1, 3, 0, 4, 2].map(|at: usize| pushed[at].delivery);
    assert_eq!(bench.pull(2, NOT_AT_ALL).await, order[..2]);
    assert_eq!(bench.pull_all().await, order[2..]);
    assert_eq!(bench.pull_all().await, []);
}

pub(super) async fn a_pointer_stands_in_it_once(bench: Bench) {
    let one = pointer(5, now());
    let later = pointer(5, now().after(LONG));
    bench.push(&[one.clone(), one.clone(), later.clone()]).await;
    bench.push(&[one.clone(), later.clone()]).await;
    assert_eq!(bench.depth().await, Depth { ready: 1, scheduled: 1, in_flight: 0 });
    assert_eq!(bench.pull_all().await, [one.delivery]);
    bench.push(std::slice::from_ref(&one)).await;
    assert_eq!(bench.pull_all().await, [], "in flight counts too");
    assert_eq!(bench.depth().await, Depth { ready: 0, scheduled: 1, in_flight: 1 });
    bench.acknowledge(&[one.delivery]).await;
    bench.push(std::slice::from_ref(&one)).await;
    assert_eq!(bench.pull_all().await, [one.delivery], "once acknowledged it is new again");
}

pub(super) async fn nothing_comes_before_it_is_due(bench: Bench) {
    let due_at = now().after(Duration::from_millis(40));
    let early = pointer(5, due_at);
    bench.push(std::slice::from_ref(&early)).await;
    assert_eq!(bench.pull_all().await, []);
    assert_eq!(bench.pull(1, LONG).await, [early.delivery], "the due time wakes");
    assert!(now() >= due_at);
}

pub(super) async fn a_push_wakes_who_waits(bench: Bench) {
    let one = pointer(5, now());
    let waiting = bench.pull(1, LONG);
    let pushing = async {
        tokio::task::yield_now().await;
        bench.push(std::slice::from_ref(&one)).await;
    };
    let (pulled, ()) = tokio::join!(waiting, pushing);
    assert_eq!(pulled, [one.delivery]);
}

pub(super) async fn only_what_is_in_flight_is_released_or_acknowledged(bench: Bench) {
    let (urgent, other) = (pointer(9, now()), pointer(5, now()));
    bench.push(&[other.clone(), urgent.clone()]).await;
    bench.acknowledge(&[urgent.delivery, other.delivery]).await;
    assert_eq!(bench.depth().await.ready, 2, "nobody pulled them");
    assert_eq!(bench.pull(1, NOT_AT_ALL).await, [urgent.delivery]);
    let both = [urgent.delivery.id(), other.delivery.id()];
    bench.queue.release(&bench.topic, &both).await.unwrap();
    assert_eq!(bench.pull_all().await, [urgent.delivery, other.delivery], "back in its old place");
    assert_eq!(bench.queue.depth("another").await.unwrap(), Depth::default(), "topics are kept apart");
}

pub(super) async fn a_pointer_comes_with_its_tenant(bench: Bench) {
    let pushed = ["größer", ""].map(|tenant| Scheduled { tenant: tenant.to_owned(), ..pointer(5, now()) });
    bench.push(&pushed).await;
    let mut pulled = bench.queue.pull(&bench.topic, 2, NOT_AT_ALL).await.unwrap();
    pulled.sort_by(|one, other| other.tenant.cmp(&one.tenant));
    let expected = pushed.map(|pushed| Pulled { delivery: pushed.delivery, tenant: pushed.tenant });
    assert_eq!(pulled, expected);
}
