//! A backlog of more deliveries than the reconciler looks at in one statement.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokio::sync::watch;
use untxt_engine::decide::Scheduled;
use untxt_engine::engine::Engine;
use untxt_engine::queue::{Queue, QueueError};
use untxt_engine::worker::WorkerConfig;
use uuid::Uuid;

use crate::stage::{
    Around, Otherwise, Working, config, easy_page, in_time, memory_journal, memory_queue, new_run, paper,
    policy,
};

/// More than a page of the reconciler's.
const BACKLOG: usize = 1_100;

/// A queue that counts how often something is pushed.
struct Counting {
    inner: Arc<dyn Queue>,
    pushed: Mutex<HashSet<Uuid>>,
    pushes: watch::Sender<usize>,
}

#[async_trait]
impl Otherwise for Counting {
    fn inner(&self) -> &dyn Queue {
        &*self.inner
    }

    async fn push(&self, topic: &str, deliveries: &[Scheduled]) -> Result<usize, QueueError> {
        let new = self.inner.push(topic, deliveries).await?;
        self.pushed.lock().unwrap().extend(deliveries.iter().map(|due| due.delivery.id()));
        self.pushes.send_modify(|pushes| *pushes += 1);
        Ok(new)
    }
}

#[tokio::test]
async fn a_backlog_that_stands_in_the_queue_costs_one_page_a_round() {
    let workflow = paper(policy(), easy_page());
    let journal = memory_journal(&workflow);
    let elsewhere = Engine::builder(Arc::clone(&journal), memory_queue());
    let elsewhere = elsewhere.build();
    elsewhere.submit_all((0..BACKLOG).map(|_| new_run(&workflow)).collect()).await.unwrap();
    elsewhere.pause_workflow("paper", true, "ann").await.unwrap();

    let (pushes, mut pushed) = watch::channel(0);
    let queue = Arc::new(Around(Counting { inner: memory_queue(), pushed: Mutex::default(), pushes }));
    let engine = Engine::builder(journal, queue.clone()).build();
    // Paused from the start: nothing drains it.
    engine.pause_workflow("paper", true, "ann").await.unwrap();
    let every = Duration::from_millis(500);
    let began = Instant::now();
    let _working = Working::begin(&engine, WorkerConfig { reconcile_every: every, ..config(1) });
    // An empty queue is filled at once, all of it.
    in_time(pushed.wait_for(|pushes| *pushes == 2)).await.unwrap();
    assert_eq!(queue.0.pushed.lock().unwrap().len(), BACKLOG);
    assert!(began.elapsed() < every, "the second page did not wait for the next round");
    let full = Instant::now();
    in_time(pushed.wait_for(|pushes| *pushes == 6)).await.unwrap();
    assert!(full.elapsed() >= 3 * every, "four pages in {:?}", full.elapsed());
}
