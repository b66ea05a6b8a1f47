//! What watchers see.

use std::sync::Arc;

use untxt_engine::decide::Command;
use untxt_engine::engine::{Engine, EngineError};
use untxt_engine::error::StepError;
use untxt_engine::event::Event;
use untxt_engine::id::RunId;
use untxt_engine::journal::{CommandRequest, JournalError};
use untxt_engine::state::RunStatus;
use untxt_engine::watch::{RunWatcher, WatchError, Watcher};

use crate::stage::{
    Working, code, config, easy_page, engine, history, in_time, memory_journal, memory_queue, names, new_run,
    paper, policy,
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
    let journal = memory_journal(&workflow);
    let here = Engine::builder(Arc::clone(&journal), memory_queue()).build();
    // As another process would be: it commits nothing itself.
    let elsewhere = Engine::builder(journal, memory_queue()).build();
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

/// What is left to be seen, and how the watching ended.
async fn last_words(mut watcher: RunWatcher) -> Result<(), WatchError> {
    while in_time(watcher.next()).await?.is_some() {}
    Ok(())
}

fn is_gone(error: &JournalError, run: RunId) -> bool {
    matches!(error, JournalError::UnknownRun(gone) if *gone == run)
}

#[track_caller]
fn assert_gone(ended: &Result<(), WatchError>, run: RunId) {
    let gone = matches!(ended, Err(WatchError::Journal(error)) if is_gone(error, run));
    assert!(gone, "{ended:?}");
}

#[tokio::test]
async fn whoever_waits_for_a_run_hears_that_it_failed_was_cancelled_or_ended_before() {
    let fails = code(|_| async { Err(StepError::permanent("TORN", "the page is torn")) });
    let workflow = paper(policy(), fails);
    let engine = engine(&workflow);
    let cancelled = engine.submit(new_run(&workflow)).await.unwrap().id;
    let (watcher, waiting) = (engine.watch_run(cancelled, 1).await.unwrap(), engine.wait(cancelled));
    let (waited, _) = in_time(async { tokio::join!(waiting, engine.cancel(cancelled)) }).await;
    assert_eq!(waited.unwrap().status, RunStatus::Cancelled);
    assert_eq!(names(&to_the_end(watcher).await), ["cancelled"]);

    let _working = Working::begin(&engine, config(2));
    let failed = engine.submit(new_run(&workflow)).await.unwrap().id;
    assert_eq!(in_time(engine.wait(failed)).await.unwrap().status, RunStatus::Failed);
    for run in [cancelled, failed] {
        let last = history(&engine, run).await.last().unwrap().seq;
        // Nothing comes after the end, whatever was seen of it, or was said to be.
        for after in [last, last + 7] {
            last_words(engine.watch_run(run, after).await.unwrap()).await.unwrap();
        }
    }
}

#[tokio::test]
async fn whoever_waits_for_a_run_hears_that_it_is_erased_here_or_by_another_process() {
    let workflow = paper(policy(), easy_page());
    let journal = memory_journal(&workflow);
    let here = Engine::builder(Arc::clone(&journal), memory_queue()).build();
    let elsewhere = Engine::builder(journal, memory_queue()).build();
    for erasing in [&here, &elsewhere] {
        let run = here.submit(new_run(&workflow)).await.unwrap().id;
        let mut watcher = here.watch_run(run, 0).await.unwrap();
        in_time(watcher.next()).await.unwrap().expect("it was submitted");
        let (watching, waiting) = (tokio::spawn(last_words(watcher)), here.wait(run));
        let erased = async {
            erasing.cancel(run).await.unwrap();
            erasing.erase(run, Vec::new()).await.unwrap();
        };
        // Whether the cancelling is still heard of or not.
        let (waited, ()) = in_time(async { tokio::join!(waiting, erased) }).await;
        match waited {
            Ok(state) => assert_eq!(state.status, RunStatus::Cancelled),
            Err(EngineError::Journal(error)) => assert!(is_gone(&error, run), "{error}"),
            Err(error) => panic!("{error}"),
        }
        if let Err(error) = in_time(watching).await.unwrap() {
            assert_gone(&Err(error), run);
        }
        // And who comes after it was erased.
        let late = last_words(here.watch_run(run, 3).await.unwrap()).await;
        assert_gone(&late, run);
        let late = in_time(here.wait(run)).await;
        assert!(matches!(&late, Err(EngineError::Journal(error)) if is_gone(error, run)), "{late:?}");
    }
}

#[tokio::test]
async fn a_run_that_vanishes_between_two_looks_is_missed_by_nobody() {
    let workflow = paper(policy(), easy_page());
    let journal = memory_journal(&workflow);
    let here = Engine::builder(Arc::clone(&journal), memory_queue()).build();
    let run = here.submit(new_run(&workflow)).await.unwrap().id;
    let mut watcher = here.watch_run(run, 0).await.unwrap();
    in_time(watcher.next()).await.unwrap().expect("it was submitted");
    // Straight in the journal, so that nothing of it is told here.
    let cancel = CommandRequest { run, command: Command::Cancel, rows: Vec::new() };
    journal.apply(cancel).await.unwrap();
    journal.erase(run, Vec::new()).await.unwrap();
    assert_gone(&last_words(watcher).await, run);
}
