//! A workflow of one's own on the engine: a poem is split into lines, the
//! words of each line are counted, the counts are added up. One line fails at
//! its first attempt and is tried again; the others are not touched by that.
//!
//! ```sh
//! cargo run -p untxt-examples --bin own_workflow [HISTORY]
//! ```
//!
//! Prints the run's history, and writes it to the file HISTORY, a JSON object a
//! line, when one is named. `replay_history` reads such files. The journal and
//! the queue are in memory, so that there is nothing to set up or tidy away.

#![allow(clippy::print_stdout, reason = "it is a program for a terminal")]

use std::sync::Arc;

use anyhow::Context as _;
use async_trait::async_trait;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use untxt_engine::decide::Done;
use untxt_engine::definition::{Definition, DefinitionError, Spread, StepDefinition};
use untxt_engine::engine::Engine;
use untxt_engine::error::{Budget, StepError};
use untxt_engine::event::{Event, OnItemFailure};
use untxt_engine::id::RunId;
use untxt_engine::journal::memory::MemoryJournal;
use untxt_engine::journal::workflows::Workflows;
use untxt_engine::journal::{Journal, NewRun};
use untxt_engine::queue::memory::MemoryQueue;
use untxt_engine::retry::RetryPolicy;
use untxt_engine::step::{Step, StepContext, StepOutput};
use untxt_engine::time::SystemClock;
use untxt_engine::worker::WorkerConfig;
use untxt_engine::workflow::Workflow;

const WORKFLOW: &str = "poem";
const POEM: &str = "what is written down\nis done once\nwhoever falls asleep meanwhile";

/// Position of the step that counts.
const COUNT: u16 = 1;

/// Events read at once: more than a run of three lines has.
const EVENTS_MAX: u32 = 1_000;

/// Names one item for each line.
struct Split;

#[async_trait]
impl Step for Split {
    async fn run(&self, context: &StepContext) -> Result<StepOutput, StepError> {
        let lines: Vec<&str> = poem(context)?.lines().collect();
        let items = u32::try_from(lines.len()).ok();
        Ok(StepOutput { done: Done { output: json!({ "lines": lines }), items }, rows: Vec::new() })
    }
}

/// Runs once for each line, on as many workers as there are.
struct Count;

#[async_trait]
impl Step for Count {
    async fn run(&self, context: &StepContext) -> Result<StepOutput, StepError> {
        let index = context.slot.item.unwrap_or_default();
        if index == 1 && context.attempt == 1 {
            // What a step does when a server is not there: it says what was
            // tried, and that trying again may help.
            let message = "line 2: the word counter did not answer";
            return Err(StepError::retry(Budget::Transport, "COUNTER_UNREACHABLE", message));
        }
        let line = context.output_of(0)["lines"][index as usize].as_str().unwrap_or_default();
        returns(json!(line.split_whitespace().count()))
    }
}

/// Adds up what the journal kept for each line.
struct Sum(Arc<dyn Journal>);

#[async_trait]
impl Step for Sum {
    async fn run(&self, context: &StepContext) -> Result<StepOutput, StepError> {
        let items = self.0.items(context.run.id, COUNT, 0, context.run.items.total).await;
        let items = items.map_err(|error| {
            StepError::retry(Budget::Transport, "JOURNAL_UNAVAILABLE", error.to_string()).caused_by(&error)
        })?;
        let words: u64 = items.iter().filter_map(|item| item.output.as_u64()).sum();
        returns(json!({ "words": words }))
    }
}

fn poem(context: &StepContext) -> Result<&str, StepError> {
    let poem = context.run.input["poem"].as_str();
    poem.ok_or_else(|| StepError::permanent("NO_POEM", "the run's input has no text called `poem`"))
}

fn returns(output: Value) -> Result<StepOutput, StepError> {
    Ok(StepOutput { done: Done { output, items: None }, rows: Vec::new() })
}

fn definition() -> Result<Definition, DefinitionError> {
    let step = |name, spread| StepDefinition { name, spread, policy: RetryPolicy::default() };
    let steps = vec![step("split", Spread::Once), step("count", Spread::PerItem), step("sum", Spread::Once)];
    Definition::new(WORKFLOW, 1, steps)
}

fn engine() -> anyhow::Result<Engine> {
    let definition = definition()?;
    let workflows = Workflows::new(vec![(definition.clone(), Arc::new(()))]);
    let clock = Arc::new(SystemClock);
    let journal: Arc<dyn Journal> =
        Arc::new(MemoryJournal::new(workflows, clock.clone(), rand::random::<f64>));
    let steps: Vec<Arc<dyn Step>> =
        vec![Arc::new(Split), Arc::new(Count), Arc::new(Sum(Arc::clone(&journal)))];
    let workflow = Workflow { definition, steps };
    Ok(Engine::builder(journal, Arc::new(MemoryQueue::new(clock))).workflow(workflow).build()?)
}

fn new_run() -> NewRun {
    NewRun {
        id: RunId::new(),
        definition: WORKFLOW,
        tenant: "me".to_owned(),
        priority: 5,
        on_item_failure: OnItemFailure::Fail,
        input: json!({ "poem": POEM }),
        rows: Vec::new(),
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let engine = engine()?;
    let run = engine.submit(new_run()).await?.id;

    // A worker would usually live elsewhere, and for longer.
    let shutdown = CancellationToken::new();
    let worker = tokio::spawn({
        let (engine, shutdown) = (engine.clone(), shutdown.clone());
        async move { engine.run_worker(WorkerConfig::default(), shutdown).await }
    });
    let ended = engine.wait(run).await?;
    shutdown.cancel();
    worker.await??;

    let history = engine.history(run, 0, EVENTS_MAX).await?;
    for event in &history {
        print(event)?;
    }
    println!("{}: {}", ended.status.as_str(), ended.outputs.get(&2).unwrap_or(&Value::Null));
    if let Some(path) = std::env::args_os().nth(1) {
        let lines: Result<Vec<String>, _> = history.iter().map(serde_json::to_string).collect();
        std::fs::write(&path, lines?.join("\n") + "\n")
            .with_context(|| format!("can't write {}", path.display()))?;
    }
    Ok(())
}

fn print(event: &Event) -> anyhow::Result<()> {
    let stored = serde_json::to_value(&event.kind)?;
    let name = stored["event"].as_str().unwrap_or_default();
    let data = stored.get("data").map(Value::to_string).unwrap_or_default();
    println!("{:>3}  {name:<16} {data}", event.seq);
    Ok(())
}
