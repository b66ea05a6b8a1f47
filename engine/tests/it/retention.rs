//! A worker that keeps nothing longer than it has to.

use std::time::Duration;

use untxt_engine::journal::JournalError;
use untxt_engine::journal::retention::Retention;
use untxt_engine::state::RunStatus;
use untxt_engine::watch::WatchError;
use untxt_engine::worker::WorkerConfig;

use crate::stage::{Working, config, easy_page, engine, in_time, new_run, paper, policy};

#[tokio::test]
async fn whoever_reads_a_pruned_history_is_told_so() {
    let workflow = paper(policy(), easy_page());
    let engine = engine(&workflow);
    let retention = Retention { histories: Some(Duration::ZERO), dead_letters: None };
    let often = WorkerConfig { retention, reconcile_every: Duration::from_millis(10), ..config(1) };
    let _working = Working::begin(&engine, often);
    let run = engine.submit(new_run(&workflow)).await.unwrap().id;
    assert_eq!(in_time(engine.wait(run)).await.unwrap().status, RunStatus::Completed);
    in_time(async {
        while engine.history(run, 0, 1).await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await;

    let history = engine.history(run, 0, 1).await;
    assert!(matches!(history, Err(JournalError::Pruned(of)) if of == run), "{history:?}");
    let mut watcher = engine.watch_run(run, 0).await.unwrap();
    let watched = in_time(watcher.next()).await;
    assert!(matches!(watched, Err(WatchError::Journal(JournalError::Pruned(_)))), "{watched:?}");
    assert_eq!(in_time(engine.wait(run)).await.unwrap().status, RunStatus::Completed, "how it ended stays");
}
