//! What watchers see.

use std::sync::Arc;

use untxt_engine::engine::Engine;
use untxt_engine::event::Event;
use untxt_engine::id::RunId;
use untxt_engine::watch::{RunWatcher, WatchError, Watcher};

use crate::stage::{
    Working, config, easy_page, engine, history, in_time, memory_journal, memory_queue, new_run, paper,
    policy,
};

async fn to_the_end(mut watcher: RunWatcher) -> Vec<Event> {
    let mut seen = Vec::new();
    while let Some(event) = in_time(watcher.next()).await.unwrap() {
        seen.push(Event::clone(&event));
    }
    seen
}

async fn of_run(watcher: &mut Watcher, run: RunId, count: usize) -> Vec<Event> {
    let mut seen = Vec::new();
    while seen.len() < count {
        let event = in_time(watcher.next()).await.unwrap();
        if event.run == run {
            seen.push(Event::clone(&event));
        }
    }
    seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn everybody_sees_every_event_once_and_in_order() {
    let workflow = paper(policy(), easy_page());
    let journal = memory_journal(&workflow.definition);
    let here =
        Engine::builder(Arc::clone(&journal), memory_queue()).workflow(workflow.clone()).build().unwrap();
    // As another process would be: it commits nothing itself.
    let elsewhere = Engine::builder(journal, memory_queue()).workflow(workflow.clone()).build().unwrap();
    let (mut near, mut far) = (here.watch().await.unwrap(), elsewhere.watch().await.unwrap());
    let _working = Working::begin(&here, config(8));

    let runs: Vec<_> = (0..20).map(|_| new_run(&workflow)).collect();
    let ids: Vec<RunId> = runs.iter().map(|run| run.id).collect();
    let from_start = here.watch_run(ids[0], 0).await.unwrap();
    here.submit_all(runs).await.unwrap();
    for &run in &ids {
        in_time(here.wait(run)).await.unwrap();
    }
    let last = *ids.last().unwrap();
    let expected = history(&here, last).await;
    assert_eq!(of_run(&mut near, last, expected.len()).await, expected);
    assert_eq!(of_run(&mut far, last, expected.len()).await, expected);
    assert_eq!(to_the_end(from_start).await, history(&here, ids[0]).await);
}

#[tokio::test]
async fn a_run_is_followed_from_any_seq_also_when_it_is_over() {
    let workflow = paper(policy(), easy_page());
    let engine = engine(&workflow);
    let _working = Working::begin(&engine, config(2));
    let run = engine.submit(new_run(&workflow)).await.unwrap().id;
    in_time(engine.wait(run)).await.unwrap();
    let history = history(&engine, run).await;
    let watcher = engine.watch_run(run, 4).await.unwrap();
    assert_eq!(to_the_end(watcher).await, history[4..]);
}

#[tokio::test]
async fn a_slow_watcher_is_told_and_a_run_is_followed_all_the_same() {
    let workflow = paper(policy(), easy_page());
    let engine = engine(&workflow);
    let mut slow = engine.watch().await.unwrap();
    let first = new_run(&workflow);
    let followed = engine.watch_run(first.id, 0).await.unwrap();
    let run = engine.submit(first).await.unwrap().id;
    // More than the watchers' buffer holds.
    let many = (0..5_000).map(|_| new_run(&workflow)).collect();
    engine.submit_all(many).await.unwrap();
    let Err(WatchError::Lagged { missed }) = in_time(slow.next()).await else {
        panic!("it should have been told");
    };
    assert!(missed > 0);
    assert!(in_time(slow.next()).await.is_ok(), "and goes on");
    engine.cancel(run).await.unwrap();
    assert_eq!(to_the_end(followed).await, history(&engine, run).await);
}
