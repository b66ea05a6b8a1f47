//! Work that is not wanted any more, and workers that leave.

use std::sync::Arc;

use serde_json::json;
use tokio::sync::mpsc;
use untxt_engine::error::StepError;
use untxt_engine::event::EventKind;
use untxt_engine::id::WorkerName;
use untxt_engine::journal::JournalError;
use untxt_engine::state::RunStatus;
use untxt_engine::step::Step;

use crate::stage::{Working, code, config, engine, history, in_time, names, new_run, paper, policy, returns};

/// A first attempt at page 0 tells that it began and waits until it is told to
/// stop, which it tells too; all others are easy.
fn stubborn_page() -> (Arc<dyn Step>, mpsc::UnboundedReceiver<&'static str>) {
    let (tell, told) = mpsc::unbounded_channel();
    let began = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let page = code(move |context| {
        let first = context.slot.item == Some(0) && !began.swap(true, std::sync::atomic::Ordering::SeqCst);
        let tell = tell.clone();
        async move {
            if first {
                tell.send("began").unwrap();
                context.cancel.cancelled().await;
                tell.send("stopped").unwrap();
                return Err(StepError::permanent("STOPPED", "was told to"));
            }
            returns(json!("ok"))
        }
    });
    (page, told)
}

#[tokio::test]
async fn cancelling_reaches_a_running_step_and_nothing_is_recorded_after_it() {
    let (page, mut told) = stubborn_page();
    let workflow = paper(policy(), page);
    let engine = engine(&workflow);
    let working = Working::begin(&engine, config(1));
    let run = engine.submit(new_run(&workflow)).await.unwrap().id;
    assert_eq!(in_time(told.recv()).await, Some("began"));
    assert_eq!(engine.cancel(run).await.unwrap().status, RunStatus::Cancelled);
    assert_eq!(in_time(told.recv()).await, Some("stopped"), "at once, not at the next heartbeat");
    assert_eq!(in_time(engine.wait(run)).await.unwrap().status, RunStatus::Cancelled);
    working.drained().await;
    assert_eq!(names(&history(&engine, run).await).last().unwrap(), "cancelled");
    assert!(matches!(engine.cancel(run).await, Err(JournalError::Refused(_))));
    let depth = engine.depth("paper").await.unwrap();
    assert_eq!(depth.in_flight, 0);
}

#[tokio::test]
async fn a_drained_attempt_is_handed_back_and_costs_nothing() {
    let (page, mut told) = stubborn_page();
    let workflow = paper(policy(), page);
    let engine = engine(&workflow);
    let first = Working::begin(&engine, config(1));
    let run = engine.submit(new_run(&workflow)).await.unwrap().id;
    assert_eq!(in_time(told.recv()).await, Some("began"));
    first.drained().await;
    assert_eq!(in_time(told.recv()).await, Some("stopped"));
    assert_eq!(names(&history(&engine, run).await).last().unwrap(), "handed_back");

    let _second = Working::begin(&engine, config(1));
    assert_eq!(in_time(engine.wait(run)).await.unwrap().status, RunStatus::Completed);
    let items = engine.items(run, 1, 0, 1).await.unwrap();
    assert_eq!(items[0].state.attempts.made, 1);
}

#[tokio::test]
async fn a_worker_presumed_dead_is_stopped_and_another_attempt_counts() {
    let (page, mut told) = stubborn_page();
    let workflow = paper(policy(), page);
    let engine = engine(&workflow);
    let _working = Working::begin(&engine, config(1));
    let run = engine.submit(new_run(&workflow)).await.unwrap().id;
    assert_eq!(in_time(told.recv()).await, Some("began"));
    let names_of_all: Vec<WorkerName> =
        engine.workers().await.unwrap().into_iter().map(|worker| worker.name).collect();
    assert_eq!(engine.declare_dead(&names_of_all).await.unwrap(), 1);
    assert_eq!(in_time(told.recv()).await, Some("stopped"), "its claim is gone");
    assert_eq!(in_time(engine.wait(run)).await.unwrap().status, RunStatus::Completed);
    let history = history(&engine, run).await;
    let lost = history.iter().filter(|event| matches!(event.kind, EventKind::Lost(_))).count();
    let failed = history.iter().filter(|event| matches!(event.kind, EventKind::Failed { .. })).count();
    assert_eq!((lost, failed), (1, 0), "what the dead one said is not recorded");
}
