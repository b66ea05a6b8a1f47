//! What every queue must do, whatever it is made of.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use super::memory::MemoryQueue;
use super::{Depth, Queue, QueueError};
use crate::decide::Scheduled;
use crate::id::{Delivery, RunId, Slot};
use crate::time::{Clock, SystemClock, Timestamp};

const TOPIC: &str = "conformance";
const NOT_AT_ALL: Duration = Duration::ZERO;
/// Far longer than any test takes: who waits this long was not woken.
const LONG: Duration = Duration::from_secs(30);

fn pointer(priority: u8, due_at: Timestamp) -> Scheduled {
    let slot = Slot { run: RunId::new(), step: 0, item: None };
    Scheduled { delivery: Delivery { slot, attempt: 1 }, due_at, priority, tenant: "t".to_owned() }
}

fn now() -> Timestamp {
    SystemClock.now()
}

async fn pull_all(queue: &dyn Queue) -> Vec<Delivery> {
    queue.pull(TOPIC, 100, NOT_AT_ALL).await.unwrap()
}

async fn urgent_first_and_oldest_among_equals(queue: Arc<dyn Queue>) {
    let at = now();
    let pushed = [pointer(5, at), pointer(10, at), pointer(1, at), pointer(10, at), pointer(5, at)];
    queue.push(TOPIC, &pushed).await.unwrap();
    assert_eq!(queue.ahead(TOPIC, 5).await.unwrap(), 4);
    assert_eq!(queue.ahead(TOPIC, 10).await.unwrap(), 2);
    let order = [1, 3, 0, 4, 2].map(|at: usize| pushed[at].delivery);
    assert_eq!(queue.pull(TOPIC, 2, NOT_AT_ALL).await.unwrap(), order[..2]);
    assert_eq!(pull_all(&*queue).await, order[2..]);
    assert_eq!(pull_all(&*queue).await, []);
}

async fn a_pointer_stands_in_it_once(queue: Arc<dyn Queue>) {
    let one = pointer(5, now());
    let later = pointer(5, now().after(LONG));
    queue.push(TOPIC, &[one.clone(), one.clone(), later.clone()]).await.unwrap();
    queue.push(TOPIC, &[one.clone(), later.clone()]).await.unwrap();
    assert_eq!(queue.depth(TOPIC).await.unwrap(), Depth { ready: 1, scheduled: 1, in_flight: 0 });
    assert_eq!(pull_all(&*queue).await, [one.delivery]);
    queue.push(TOPIC, std::slice::from_ref(&one)).await.unwrap();
    assert_eq!(pull_all(&*queue).await, [], "in flight counts too");
    assert_eq!(queue.depth(TOPIC).await.unwrap(), Depth { ready: 0, scheduled: 1, in_flight: 1 });
    queue.acknowledge(TOPIC, &[one.delivery.id()]).await.unwrap();
    queue.push(TOPIC, std::slice::from_ref(&one)).await.unwrap();
    assert_eq!(pull_all(&*queue).await, [one.delivery], "once acknowledged it is new again");
}

async fn nothing_comes_before_it_is_due(queue: Arc<dyn Queue>) {
    let due_at = now().after(Duration::from_millis(40));
    let early = pointer(5, due_at);
    queue.push(TOPIC, std::slice::from_ref(&early)).await.unwrap();
    assert_eq!(pull_all(&*queue).await, []);
    assert_eq!(queue.pull(TOPIC, 1, LONG).await.unwrap(), [early.delivery], "the due time wakes");
    assert!(now() >= due_at);
}

async fn a_push_wakes_who_waits(queue: Arc<dyn Queue>) {
    let one = pointer(5, now());
    let waiting = queue.pull(TOPIC, 1, LONG);
    let pushing = async {
        tokio::task::yield_now().await;
        queue.push(TOPIC, std::slice::from_ref(&one)).await.unwrap();
    };
    let (pulled, ()) = tokio::join!(waiting, pushing);
    assert_eq!(pulled.unwrap(), [one.delivery]);
}

async fn only_what_is_in_flight_is_released_or_acknowledged(queue: Arc<dyn Queue>) {
    let (urgent, other) = (pointer(9, now()), pointer(5, now()));
    queue.push(TOPIC, &[other.clone(), urgent.clone()]).await.unwrap();
    let both = [urgent.delivery.id(), other.delivery.id()];
    queue.acknowledge(TOPIC, &both).await.unwrap();
    assert_eq!(queue.depth(TOPIC).await.unwrap().ready, 2, "nobody pulled them");
    assert_eq!(queue.pull(TOPIC, 1, NOT_AT_ALL).await.unwrap(), [urgent.delivery]);
    queue.release(TOPIC, &both).await.unwrap();
    assert_eq!(pull_all(&*queue).await, [urgent.delivery, other.delivery], "back in its old place");
    assert_eq!(queue.depth("another").await.unwrap(), Depth::default(), "topics are kept apart");
}

/// Runs the whole suite, each part on a fresh queue.
async fn conforms<F: Future<Output = Arc<dyn Queue>>>(fresh: impl Fn() -> F) {
    urgent_first_and_oldest_among_equals(fresh().await).await;
    a_pointer_stands_in_it_once(fresh().await).await;
    nothing_comes_before_it_is_due(fresh().await).await;
    a_push_wakes_who_waits(fresh().await).await;
    only_what_is_in_flight_is_released_or_acknowledged(fresh().await).await;
}

#[tokio::test]
async fn the_queue_in_memory_conforms() {
    conforms(|| async { Arc::new(MemoryQueue::new(Arc::new(SystemClock))) as Arc<dyn Queue> }).await;
}

#[tokio::test]
async fn a_full_queue_says_so_and_keeps_what_it_has() {
    let queue = MemoryQueue::with_capacity(Arc::new(SystemClock), 2);
    let three = [pointer(5, now()), pointer(5, now()), pointer(5, now())];
    assert_eq!(queue.push(TOPIC, &three).await, Err(QueueError::Full { capacity: 2 }));
    assert_eq!(pull_all(&queue).await.len(), 2);
}
