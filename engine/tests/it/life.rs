//! Runs that go well, and steps that fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use tokio::sync::Barrier;
use untxt_engine::definition::{Definition, Spread, StepDefinition};
use untxt_engine::engine::{Engine, EngineError};
use untxt_engine::error::{Budget, StepError};
use untxt_engine::event::EventKind;
use untxt_engine::journal::letters::LetterFilter;
use untxt_engine::retry::{Budgets, RetryPolicy};
use untxt_engine::state::{RunState, RunStatus};
use untxt_engine::workflow::Workflow;

use crate::stage::{
    PAGES, Working, code, config, easy_page, engine, history, in_time, names, new_run, paper, policy, returns,
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
    let names = ["w1", "w2", "w3", "w4", "w5", "w6", "w7", "w8"];
    let workflows: Vec<Workflow> = (1..).zip(names).map(|(length, name)| chain(name, length)).collect();
    let definitions = workflows.iter().map(|workflow| {
        let projection: Arc<dyn untxt_engine::journal::rows::Projection> = Arc::new(());
        (workflow.definition.clone(), projection)
    });
    let known = untxt_engine::journal::workflows::Workflows::new(definitions.collect());
    let clock = Arc::new(untxt_engine::time::SystemClock);
    let journal = untxt_engine::journal::memory::MemoryJournal::new(known, clock, || 0.0);
    let mut builder = Engine::builder(Arc::new(journal), crate::stage::memory_queue());
    for workflow in &workflows {
        builder = builder.workflow(workflow.clone());
    }
    let engine = builder.build().unwrap();
    // One slot for all: no topic may keep it from the others.
    let _working = Working::begin(&engine, config(1));
    for (length, workflow) in (1..).zip(&workflows) {
        let run = engine.submit(new_run(workflow)).await.unwrap().id;
        let run = in_time(engine.wait(run)).await.unwrap();
        assert_eq!((run.status, run.outputs.len()), (RunStatus::Completed, length));
    }
}

fn chain(name: &'static str, length: usize) -> Workflow {
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let steps = names.into_iter().take(length);
    let steps = steps.map(|name| StepDefinition { name, spread: Spread::Once, policy: policy() });
    let definition = Definition::new(name, 1, steps.collect()).unwrap();
    let step = code(|context| async move { returns(json!(context.slot.step)) });
    Workflow { definition, steps: vec![step; length] }
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
    let mut workflow = paper(policy(), page);
    workflow.steps[0] = code(|_| async { crate::stage::names_pages(6) });
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
async fn steps_must_match_their_definition() {
    let mut workflow = paper(policy(), easy_page());
    workflow.steps.pop();
    let journal = crate::stage::memory_journal(&workflow.definition);
    let built = Engine::builder(journal, crate::stage::memory_queue()).workflow(workflow).build();
    assert!(matches!(built.err(), Some(EngineError::StepsMissing { named: 3, given: 2, .. })));
}
