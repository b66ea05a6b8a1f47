//! Runs that go well, and steps that fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use tokio::sync::Barrier;
use untxt_engine::engine::Engine;
use untxt_engine::error::{Budget, StepError};
use untxt_engine::event::EventKind;
use untxt_engine::journal::letters::LetterFilter;
use untxt_engine::retry::{Budgets, RetryPolicy};
use untxt_engine::state::{RunState, RunStatus};
use untxt_engine::step::StepContext;
use untxt_engine::workflow::Workflow;

use crate::stage::{
    PAGES, Working, code, config, easy_page, engine, history, in_time, names, new_run, paper, paper_of,
    policy, returns,
};

#[tokio::test]
async fn a_run_goes_from_submission_to_completion_and_leaves_its_history() {
    let workflow = paper(policy(), easy_page());
    let engine = engine(&workflow);
    let _working = Working::begin(&engine, config(4));
    let submitted = engine.submit(new_run(&workflow)).await.unwrap();
    assert_eq!(submitted.status, RunStatus::Queued);

    let run = in_time(engine.wait(submitted.id)).await.unwrap();
    assert_eq!(run.status, RunStatus::Completed);
    assert_eq!(run.outputs[&2], json!({ "closed": PAGES }));
    let items = engine.items(run.id, 1, 0, 10).await.unwrap();
    let pages: Vec<_> = items.iter().map(|item| item.output["page"].as_u64().unwrap()).collect();
    assert_eq!(pages, [0, 1, 2]);
    let history = history(&engine, run.id).await;
    assert_eq!(RunState::replay(&history), Some(run), "the history alone tells all");
    assert_eq!(engine.health(), []);
}

#[tokio::test]
async fn nothing_is_left_in_the_queue_and_on_the_list_after_a_drain() {
    let workflow = paper(policy(), easy_page());
    let engine = engine(&workflow);
    let working = Working::begin(&engine, config(2));
    let run = engine.submit(new_run(&workflow)).await.unwrap().id;
    in_time(engine.wait(run)).await.unwrap();
    assert_eq!(engine.workers().await.unwrap().len(), 1);
    working.drained().await;
    let depth = engine.depth("paper").await.unwrap();
    assert_eq!((depth.ready, depth.scheduled, depth.in_flight), (0, 0, 0));
    assert_eq!(engine.workers().await.unwrap(), []);
}

#[tokio::test]
async fn workflows_of_every_length_run_beside_each_other() {
    let lengths = [("w1", 1), ("w2", 2), ("w8", 8), ("w20", 20)];
    let workflows = lengths.map(|(name, length)| chain(name, length));
    let known = untxt_engine::workflow::Workflows::new(workflows.iter().cloned()).unwrap();
    let clock = Arc::new(untxt_engine::time::SystemClock);
    let journal = untxt_engine::journal::memory::MemoryJournal::new(known, clock, || 0.0);
    let engine = Engine::builder(Arc::new(journal), crate::stage::memory_queue()).build();
    // One slot for all: no topic may keep it from the others.
    let _working = Working::begin(&engine, config(1));
    for ((_, length), workflow) in lengths.iter().zip(&workflows) {
        let run = engine.submit(new_run(workflow)).await.unwrap().id;
        let run = in_time(engine.wait(run)).await.unwrap();
        assert_eq!((run.status, run.outputs.len()), (RunStatus::Completed, *length));
    }
}

fn chain(name: &'static str, length: usize) -> Workflow {
    let names = (0..length).map(|step| &*format!("step {step}").leak());
    let step = |context: StepContext| async move { returns(json!(context.slot.step)) };
    names.fold(Workflow::new(name, 1), |workflow, name| workflow.step(name, policy(), step))
}

#[tokio::test]
async fn no_more_is_fetched_than_there_are_slots_and_all_slots_are_used() {
    let together = Arc::new(Barrier::new(2));
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let page = {
        let most = Arc::clone(&most);
        code(move |_| {
            let (together, running, most) = (Arc::clone(&together), Arc::clone(&running), Arc::clone(&most));
            async move {
                most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                // Opens only when two pages run at once.
                together.wait().await;
                running.fetch_sub(1, Ordering::SeqCst);
                returns(json!(null))
            }
        })
    };
    let open = code(|_| async { crate::stage::names_pages(6) });
    let close = code(|_| async { returns(json!(null)) });
    let workflow = paper_of(policy(), [open, page, close]);
    let engine = engine(&workflow);
    let _working = Working::begin(&engine, config(2));
    let run = engine.submit(new_run(&workflow)).await.unwrap().id;
    in_time(engine.wait(run)).await.unwrap();
    assert_eq!(most.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_panic_is_the_steps_failure_and_its_text_is_kept() {
    let page = code(|context| async move {
        assert!(context.attempt > 1 || context.slot.item != Some(1), "no ink on {:?}", context.slot.item);
        returns(json!("ok"))
    });
    let workflow = paper(policy(), page);
    let engine = engine(&workflow);
    let _working = Working::begin(&engine, config(2));
    let run = engine.submit(new_run(&workflow)).await.unwrap().id;
    assert_eq!(in_time(engine.wait(run)).await.unwrap().status, RunStatus::Completed);
    let errors = failures(&engine, run).await;
    assert_eq!(errors.len(), 1);
    assert_eq!((errors[0].code.as_str(), errors[0].budget), ("STEP_PANICKED", Budget::Content));
    assert!(errors[0].message.contains("step `page` panicked: no ink on Some(1)"), "{}", errors[0]);
}

#[tokio::test]
async fn a_step_that_takes_too_long_is_told_and_then_dropped() {
    let page = code(|context| async move {
        if context.attempt == 1 {
            // Deaf to the token: it has to be dropped.
            std::future::pending::<()>().await;
        }
        returns(json!("ok"))
    });
    let short = RetryPolicy { timeout: Duration::from_millis(30), ..policy() };
    let workflow = paper(short, page);
    let engine = engine(&workflow);
    let _working = Working::begin(&engine, config(4));
    let run = engine.submit(new_run(&workflow)).await.unwrap().id;
    assert_eq!(in_time(engine.wait(run)).await.unwrap().status, RunStatus::Completed);
    let errors = failures(&engine, run).await;
    assert_eq!(errors.len(), PAGES as usize);
    assert!(errors.iter().all(|error| error.code == "STEP_TIMEOUT" && error.budget == Budget::Content));
}

#[tokio::test]
async fn spent_attempts_are_a_dead_letter_with_its_whole_error() {
    let page = code(|_| async { Err(StepError::retry(Budget::Content, "SMUDGED", "can't read it")) });
    let once = Budgets { content: 1, ..RetryPolicy::default().budgets };
    let workflow = paper(RetryPolicy { budgets: once, ..policy() }, page);
    let engine = engine(&workflow);
    let _working = Working::begin(&engine, config(1));
    let run = engine.submit(new_run(&workflow)).await.unwrap().id;
    let run = in_time(engine.wait(run)).await.unwrap();
    assert_eq!((run.status, run.error.unwrap().code.as_str()), (RunStatus::Failed, "SMUDGED"));
    let letters = engine.dead_letters(&LetterFilter::of_run(run.id), 10, 0).await.unwrap().0;
    assert_eq!(letters.len(), 1);
    assert_eq!((letters[0].attempts, letters[0].error.code.as_str()), (2, "SMUDGED"));
    let names = names(&history(&engine, run.id).await);
    assert_eq!(names[names.len() - 3..], ["failed", "dead_lettered", "run_failed"]);
}

async fn failures(engine: &Engine, run: untxt_engine::id::RunId) -> Vec<StepError> {
    let failure = |event: untxt_engine::event::Event| match event.kind {
        EventKind::Failed { error, .. } => Some(error),
        _ => None,
    };
    history(engine, run).await.into_iter().filter_map(failure).collect()
}

#[tokio::test]
async fn a_step_reads_earlier_outputs_and_items_by_the_names_of_their_steps() {
    let open = code(|_| async { crate::stage::names_pages(3) });
    let page = code(|context| async move { returns(json!(10 * context.item())) });
    let close = code(|context| async move {
        let pages: Vec<_> =
            context.items_of("page", 1, 2).await?.into_iter().map(|page| page.output).collect();
        let unknown =
            [context.output_of("pages").unwrap_err(), context.items_of("o", 0, 1).await.unwrap_err()];
        let unknown = unknown.map(|error| error.to_string());
        returns(json!({ "open": context.output_of("open")?, "pages": pages, "unknown": unknown }))
    });
    let workflow = paper_of(policy(), [open, page, close]);
    let engine = engine(&workflow);
    let _working = Working::begin(&engine, config(2));
    let run = engine.submit(new_run(&workflow)).await.unwrap().id;
    let run = in_time(engine.wait(run)).await.unwrap();
    let unknown = |step| format!("UNKNOWN_STEP: workflow `paper` has no step called `{step}`");
    let expected =
        json!({ "open": { "pages": 3 }, "pages": [10, 20], "unknown": [unknown("pages"), unknown("o")] });
    assert_eq!(run.output_of(workflow.definition(), "close"), &expected);
}

#[tokio::test]
async fn a_process_without_code_submits_and_another_one_works() {
    let workflow = paper(policy(), easy_page());
    let none = None::<Arc<dyn untxt_engine::step::Step>>;
    let without_code = Workflow::new("paper", 1)
        .step("open", policy(), none.clone())
        .step_per_item("page", policy(), none.clone())
        .step("close", policy(), none);
    assert_eq!(without_code.definition(), workflow.definition(), "one definition, with and without code");
    let known = untxt_engine::workflow::Workflows::new([without_code]).unwrap();
    let clock = Arc::new(untxt_engine::time::SystemClock);
    let journal = untxt_engine::journal::memory::MemoryJournal::new(known, clock, || 0.0);
    let with_code = journal.reopen(untxt_engine::workflow::Workflows::new([workflow.clone()]).unwrap());
    let queue = crate::stage::memory_queue();
    let submitting = Engine::builder(Arc::new(journal), Arc::clone(&queue)).build();
    let working = Engine::builder(Arc::new(with_code), queue).build();
    // A worker without code claims nothing that another one could run.
    let _idle = Working::begin(&submitting, config(1));
    let run = submitting.submit(new_run(&workflow)).await.unwrap().id;
    let _working = Working::begin(&working, config(1));
    assert_eq!(in_time(working.wait(run)).await.unwrap().status, RunStatus::Completed);
}

#[tokio::test]
async fn a_worker_runs_no_workflows_but_those_it_is_told_to() {
    let workflows = [chain("wanted", 1), chain("other", 1)];
    let known = untxt_engine::workflow::Workflows::new(workflows.clone()).unwrap();
    let clock = Arc::new(untxt_engine::time::SystemClock);
    let journal = untxt_engine::journal::memory::MemoryJournal::new(known, clock, || 0.0);
    let engine = Engine::builder(Arc::new(journal), crate::stage::memory_queue()).build();
    let only = untxt_engine::worker::WorkerConfig { workflows: Some(vec!["wanted"]), ..config(1) };
    let working = Working::begin(&engine, only);
    let other = engine.submit(new_run(&workflows[1])).await.unwrap().id;
    let wanted = engine.submit(new_run(&workflows[0])).await.unwrap().id;
    assert_eq!(in_time(engine.wait(wanted)).await.unwrap().status, RunStatus::Completed);
    working.drained().await;
    assert_eq!(engine.run(other).await.unwrap().unwrap().status, RunStatus::Queued);
}
