//! A workflow of your own: a poem is split into lines, the words of each line are
//! counted, the counts are added up. One line fails at its first attempt and is
//! retried; the others are not affected.
//!
//! ```sh
//! cargo run -p untxt-examples --bin own_workflow [HISTORY]
//! ```
//!
//! Prints the run's history and, if HISTORY is given, writes it to that file, one JSON
//! object per line. `replay_history` reads such files. The journal and the queue are in
//! memory, so there is nothing to set up or clean up.

#![allow(clippy::print_stdout, reason = "it is a program for a terminal")]

use std::sync::Arc;

use serde_json::json;
use tokio_util::sync::CancellationToken;
use untxt_engine::engine::Engine;
use untxt_engine::error::{Budget, StepError};
use untxt_engine::journal::memory::MemoryJournal;
use untxt_engine::new_run::NewRun;
use untxt_engine::queue::memory::MemoryQueue;
use untxt_engine::retry::RetryPolicy;
use untxt_engine::step::{StepContext, StepOutput};
use untxt_engine::time::SystemClock;
use untxt_engine::worker::WorkerConfig;
use untxt_engine::workflow::{Workflow, Workflows};

fn poem() -> Workflow {
    let policy = RetryPolicy::default();
    Workflow::new("poem", 1)
        .step("split", policy, split)
        .step_per_item("count", policy, count)
        .step("sum", policy, sum)
}

/// Names one item for each line.
async fn split(context: StepContext) -> Result<StepOutput, StepError> {
    let no_poem = || StepError::permanent("NO_POEM", "the input has no text called `poem`");
    let lines: Vec<&str> = context.run.input["poem"].as_str().ok_or_else(no_poem)?.lines().collect();
    Ok(StepOutput::new(json!(lines)).with_items(u32::try_from(lines.len()).unwrap_or(u32::MAX)))
}

/// Runs once for each line, on any worker.
async fn count(context: StepContext) -> Result<StepOutput, StepError> {
    if context.item() == 1 && context.attempt == 1 {
        let message = "line 2: the word counter did not answer";
        return Err(StepError::retry(Budget::Transport, "COUNTER_UNREACHABLE", message));
    }
    let line = &context.output_of("split")?[context.item() as usize];
    Ok(StepOutput::new(json!(line.as_str().unwrap_or_default().split_whitespace().count())))
}

/// Adds up what was counted for each line.
async fn sum(context: StepContext) -> Result<StepOutput, StepError> {
    let counts = context.items_of("count", 0, context.run.items.total).await?;
    let words: u64 = counts.iter().filter_map(|count| count.output.as_u64()).sum();
    Ok(StepOutput::new(json!({ "words": words })))
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let (workflows, clock) = (Workflows::new([poem()])?, Arc::new(SystemClock));
    let journal = MemoryJournal::new(workflows, clock.clone(), rand::random::<f64>);
    let engine = Engine::builder(Arc::new(journal), Arc::new(MemoryQueue::new(clock))).build();

    let input = json!({ "poem": "what is written down\nis done once\nwhoever falls asleep meanwhile" });
    let run = engine.submit(NewRun::new("poem", "me", input)).await?.id;
    // A worker usually lives in another process, and for longer.
    let shutdown = CancellationToken::new();
    let (ended, worked) = tokio::join!(
        async {
            let ended = engine.wait(run).await;
            shutdown.cancel();
            ended
        },
        engine.run_worker(WorkerConfig::default(), shutdown.clone()),
    );
    worked?;

    let mut lines = String::new();
    for event in engine.history(run, 0, 1_000).await? {
        println!("{:>3}  {}", event.seq, serde_json::to_string(&event.kind)?);
        lines += &(serde_json::to_string(&event)? + "\n");
    }
    let ended = ended?;
    println!("{}: {}", ended.status.as_str(), ended.output_of(poem().definition(), "sum"));
    if let Some(path) = std::env::args_os().nth(1) {
        std::fs::write(path, lines)?;
    }
    Ok(())
}
