//! Rows that can't be read, and workers that come to them.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::ConnectionTrait;
use tempfile::TempDir;
use untxt_engine::engine::Engine;
use untxt_engine::id::RunId;
use untxt_engine::journal::database::{Database, connect};
use untxt_engine::journal::letters::LetterFilter;
use untxt_engine::journal::sql::SqlJournal;
use untxt_engine::queue::Queue;
use untxt_engine::state::RunStatus;
use untxt_engine::time::SystemClock;
use untxt_engine::worker::WorkerConfig;
use untxt_engine::workflow::Workflow;
use untxt_engine::workflow::Workflows;

use crate::stage::{
    PAGES, Working, code, config, easy_page, in_time, memory_queue, new_run, paper, policy, returns,
};

/// An engine over a file, the file's database, and the file.
async fn on_file(workflow: &Workflow) -> (Engine, Database, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let db = connect(&format!("sqlite://{}/journal.db", dir.path().display())).await.unwrap();
    untxt_migrations::up(&db.for_layout()).await.unwrap();
    (engine_over(&db, workflow, memory_queue()), db, dir)
}

/// An engine with a journal of its own, as another process has it.
fn engine_over(db: &Database, workflow: &Workflow, queue: Arc<dyn Queue>) -> Engine {
    let workflows = Workflows::new([workflow.clone()]).unwrap();
    let journal = SqlJournal::new(db.clone(), workflows, Arc::new(SystemClock), || 0.0);
    Engine::builder(Arc::new(journal), queue).build()
}

async fn spoil(db: &Database, update: &str, run: RunId) {
    let update = format!("{update} = x'{}'", run.0.simple());
    assert!(db.execute_unprepared(&update).await.unwrap().rows_affected() > 0);
}

async fn letters(engine: &Engine, run: RunId) -> Vec<String> {
    let (letters, _) = engine.dead_letters(&LetterFilter::of_run(run), 10, 0).await.unwrap();
    letters.into_iter().map(|letter| letter.error.code).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_that_cant_be_read_hold_no_slot_and_stop_no_healing() {
    let workflow = paper(policy(), easy_page());
    let (_, db, _dir) = on_file(&workflow).await;
    let queue = memory_queue();
    let engine = engine_over(&db, &workflow, Arc::clone(&queue));
    let mut poisoned = Vec::new();
    // More than the worker has slots; pushed when they were sound.
    for _ in 0..3 {
        let run = engine.submit(new_run(&workflow)).await.unwrap().id;
        spoil(&db, "UPDATE runs SET attempts = '?' WHERE id", run).await;
        poisoned.push(run);
    }
    let good = engine.submit(new_run(&workflow)).await.unwrap().id;
    // Whoever submitted them remembers what they were; another process does not.
    let _working = Working::begin(&engine_over(&db, &workflow, queue), config(2));
    assert_eq!(in_time(engine.wait(good)).await.unwrap().status, RunStatus::Completed);
    for run in poisoned {
        assert_eq!(in_time(engine.wait(run)).await.unwrap().status, RunStatus::Failed);
        assert_eq!(letters(&engine, run).await, ["ROW_UNREADABLE"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_spoilt_in_work_ends_as_a_letter_and_frees_its_slot() {
    let (held, begun) = (tokio::sync::watch::channel(false), tokio::sync::watch::channel(0_u32));
    let (go_on, started) = (held.1.clone(), begun.0.clone());
    let page = code(move |_| {
        let mut go_on = go_on.clone();
        started.send_modify(|count| *count += 1);
        async move {
            go_on.wait_for(|go_on| *go_on).await.unwrap();
            returns(serde_json::Value::Null)
        }
    });
    let workflow = paper(policy(), page);
    let (engine, db, _dir) = on_file(&workflow).await;
    let _working = Working::begin(&engine, config(PAGES as usize));
    let run = engine.submit(new_run(&workflow)).await.unwrap().id;
    in_time(begun.1.clone().wait_for(|count| *count == PAGES)).await.unwrap();
    spoil(&db, "UPDATE items SET attempts = '?' WHERE item = 1 AND run_id", run).await;
    // Nobody claims it and its worker lives: it is found by the worker's own look.
    assert_eq!(in_time(engine.wait(run)).await.unwrap().status, RunStatus::Failed);
    assert_eq!(letters(&engine, run).await, ["ROW_UNREADABLE"]);
    held.0.send_replace(true);
    let next = engine.submit(new_run(&workflow)).await.unwrap().id;
    assert_eq!(in_time(engine.wait(next)).await.unwrap().status, RunStatus::Completed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_orphan_that_cant_be_read_does_not_keep_the_others_from_being_rescued() {
    let workflow = paper(policy(), code(|_| std::future::pending()));
    let (engine, db, _dir) = on_file(&workflow).await;
    let short = WorkerConfig {
        heartbeat_every: Duration::from_millis(50),
        lease: Duration::from_millis(300),
        reconcile_every: Duration::from_millis(50),
        ..config(2 * PAGES as usize)
    };
    let dead = Working::begin(&engine, short.clone());
    let (spoilt, good) = (new_run(&workflow), new_run(&workflow));
    let runs = engine.submit_all(vec![spoilt, good]).await.unwrap();
    while engine.holdings(100).await.unwrap().len() < 2 * PAGES as usize {
        tokio::task::yield_now().await;
    }
    drop(dead);
    spoil(&db, "UPDATE items SET attempts = '?' WHERE run_id", runs[0].id).await;
    let healthy = paper(policy(), easy_page());
    let rescuer = engine_over(&db, &healthy, memory_queue());
    let _working = Working::begin(&rescuer, short);
    assert_eq!(in_time(rescuer.wait(runs[1].id)).await.unwrap().status, RunStatus::Completed);
    assert_eq!(in_time(rescuer.wait(runs[0].id)).await.unwrap().status, RunStatus::Failed);
}
