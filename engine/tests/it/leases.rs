//! Workers that vanish without anybody knowing, while the queue lives on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use tokio::sync::Notify;
use untxt_engine::crash::{CrashHook, CrashPoint};
use untxt_engine::engine::Engine;
use untxt_engine::state::RunStatus;
use untxt_engine::worker::WorkerConfig;

use crate::stage::{
    LONG, Working, config, easy_page, history, in_time, memory_journal, memory_queue, names, new_run, paper,
    policy,
};

/// Holds up the first that passes the point, for ever.
pub(crate) struct Trap {
    point: CrashPoint,
    sprung: AtomicBool,
    pub(crate) caught: Notify,
}

impl Trap {
    pub(crate) fn at(point: CrashPoint) -> Arc<Self> {
        Arc::new(Self { point, sprung: AtomicBool::new(false), caught: Notify::new() })
    }
}

#[async_trait]
impl CrashHook for Trap {
    async fn reached(&self, point: CrashPoint) {
        if point == self.point && !self.sprung.swap(true, Ordering::SeqCst) {
            self.caught.notify_one();
            std::future::pending().await
        }
    }
}

/// The first worker is gone at `point`; a second one finds out by itself. What
/// the run's history holds.
async fn left_alone(point: CrashPoint, reconcile_every: Duration) -> Vec<String> {
    let workflow = paper(policy(), easy_page());
    let trap = Trap::at(point);
    let engine = Engine::builder(memory_journal(&workflow), memory_queue());
    let engine = engine.crash_hook(trap.clone()).build();
    let short = WorkerConfig {
        heartbeat_every: Duration::from_millis(50),
        lease: Duration::from_millis(200),
        reconcile_every,
        ..config(1)
    };
    let first = Working::begin(&engine, short.clone());
    let run = engine.submit(new_run(&workflow)).await.unwrap().id;
    in_time(trap.caught.notified()).await;
    drop(first);
    let _second = Working::begin(&engine, short);
    assert_eq!(in_time(engine.wait(run)).await.unwrap().status, RunStatus::Completed);
    names(&history(&engine, run).await)
}

#[tokio::test]
async fn a_claim_outlives_its_silent_worker_by_no_more_than_a_lease() {
    // A lease is looked at when it is over, however rarely all is compared.
    let names = left_alone(CrashPoint::Claimed, 2 * LONG).await;
    assert_eq!(names[1..5], ["started", "lost", "retry_scheduled", "started"]);
}

#[tokio::test]
async fn a_delivery_that_was_pulled_and_forgotten_comes_back() {
    let names = left_alone(CrashPoint::Pulled, Duration::from_millis(50)).await;
    assert_eq!(json!(names[1..3]), json!(["started", "succeeded"]), "no attempt was begun, so none is lost");
}
