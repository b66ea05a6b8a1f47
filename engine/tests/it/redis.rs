//! A queue in Redis, and whatever befalls it while runs go on.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::watch;
use untxt_engine::controls::TenantControls;
use untxt_engine::engine::Engine;
use untxt_engine::event::{Event, EventKind};
use untxt_engine::id::RunId;
use untxt_engine::journal::Journal;
use untxt_engine::new_run::NewRun;
use untxt_engine::queue::Depth;
use untxt_engine::queue::redis::RedisQueue;
use untxt_engine::state::RunStatus;
use untxt_engine::step::Step;
use untxt_engine::worker::WorkerConfig;
use untxt_stack::redis::Redis;

use crate::stage::{
    LONG, PAGES, Working, code, config, easy_page, history, in_time, memory_journal, names, new_run, paper,
    policy, returns,
};

/// Runs what waits on another thread.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

async fn start() -> Redis {
    blocking(|| Redis::start().unwrap()).await
}

/// An engine as another process has it: over the same journal and server.
fn engine(journal: &Arc<dyn Journal>, redis: &Redis) -> Engine {
    let queue = RedisQueue::with_times(&redis.url(), LONG, Duration::from_millis(500)).unwrap();
    Engine::builder(Arc::clone(journal), Arc::new(queue)).build()
}

fn healing_often(concurrency: usize) -> WorkerConfig {
    WorkerConfig { reconcile_every: Duration::from_millis(100), ..config(concurrency) }
}

/// A page that counts how many were begun.
fn counted_page() -> (Arc<dyn Step>, watch::Receiver<u32>) {
    let (count, counted) = watch::channel(0);
    let page = code(move |context| {
        count.send_modify(|count| *count += 1);
        async move { returns(json!({ "page": context.slot.item })) }
    });
    (page, counted)
}

/// Fails when anything of the run was lost, or done twice.
fn assert_done_once(history: &[Event]) {
    let names = names(history);
    assert_eq!(names.last().unwrap(), "completed");
    assert_eq!(names.iter().filter(|name| *name == "completed").count(), 1);
    let mut succeeded = HashSet::new();
    for event in history {
        if let EventKind::Succeeded { attempt, .. } = &event.kind {
            assert!(succeeded.insert((attempt.step, attempt.item)), "{attempt:?} came twice");
        }
    }
    assert_eq!(succeeded.len(), PAGES as usize + 2);
    assert_eq!(names.iter().filter(|name| *name == "started").count(), PAGES as usize + 2, "{names:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flushed_killed_and_restarted_in_the_middle_of_runs_none_is_lost_and_nothing_done_twice() {
    const RUNS: u32 = 60;
    let (page, mut counted) = counted_page();
    let workflow = paper(policy(), page);
    let (journal, mut redis) = (memory_journal(&workflow), start().await);
    let (accepting, working) = (engine(&journal, &redis), engine(&journal, &redis));
    let _working = Working::begin(&working, healing_often(3));
    let mut runs: Vec<RunId> = Vec::new();
    for trouble in 0..4 {
        for _ in 0..RUNS / 4 {
            runs.push(accepting.submit(new_run(&workflow)).await.unwrap().id);
        }
        // In the middle of the pages of these runs.
        let reached = trouble * RUNS / 4 * PAGES + PAGES * 2;
        in_time(counted.wait_for(|count| *count >= reached)).await.unwrap();
        redis = blocking(move || {
            match trouble {
                0 => redis.flush().unwrap(),
                1 => redis.kill().and_then(|()| redis.restart()).unwrap(),
                2 => redis.restart().unwrap(),
                _ => drop(redis.ask("CLIENT KILL TYPE normal").unwrap()),
            }
            redis
        })
        .await;
    }
    for run in runs {
        assert_eq!(in_time(working.wait(run)).await.unwrap().status, RunStatus::Completed);
        assert_done_once(&history(&working, run).await);
    }
    // What came double is thrown out as it comes.
    in_time(async {
        while working.depth("paper").await.unwrap() != Depth::default() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    drop(_working);
    blocking(move || drop(redis)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_operator_sets_is_kept_to_by_other_processes_and_outlives_a_flush() {
    let workflow = paper(policy(), easy_page());
    let (journal, redis) = (memory_journal(&workflow), start().await);
    let (operating, working) = (engine(&journal, &redis), engine(&journal, &redis));
    let worker = Working::begin(&working, config(1));
    let submit = async |tenant: &str| {
        let run = NewRun { tenant: tenant.to_owned(), ..new_run(&workflow) };
        operating.submit(run).await.unwrap().id
    };
    let done = submit("t").await;
    in_time(working.wait(done)).await.unwrap();

    let paused = TenantControls { paused: true, ..TenantControls::default() };
    let set = operating.set_tenant("t", paused, "ann").await.unwrap();
    assert_eq!(operating.controls().await.unwrap(), set);
    let (waits, other) = (submit("t").await, submit("other").await);
    assert_eq!(in_time(working.wait(other)).await.unwrap().status, RunStatus::Completed);
    assert_eq!(names(&history(&working, waits).await), ["submitted"]);

    redis.flush().unwrap();
    let restored = async {
        while redis.ask("EXISTS {untxt:paper}:revision").unwrap() == "0" {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(3), restored).await.expect("within a second or two");
    operating.set_tenant("t", TenantControls::default(), "ann").await.unwrap();
    assert_eq!(in_time(working.wait(waits)).await.unwrap().status, RunStatus::Completed);
    worker.drained().await;
    blocking(move || drop(redis)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_workflow_stands_still_and_goes_on() {
    let workflow = paper(policy(), easy_page());
    let (journal, redis) = (memory_journal(&workflow), start().await);
    let engine = engine(&journal, &redis);
    let _working = Working::begin(&engine, config(1));
    engine.pause_workflow("paper", true, "ann").await.unwrap();
    let run = engine.submit(new_run(&workflow)).await.unwrap().id;
    assert_eq!(engine.depth("paper").await.unwrap().ready, 1);
    engine.pause_workflow("paper", false, "ann").await.unwrap();
    assert_eq!(in_time(engine.wait(run)).await.unwrap().status, RunStatus::Completed);
    let unknown = engine.pause_workflow("none", true, "ann").await.unwrap_err();
    assert!(unknown.to_string().contains("`none`"), "{unknown}");
    drop(_working);
    blocking(move || drop(redis)).await;
}
