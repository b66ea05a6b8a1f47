//! A history alone is enough to know everything about a run: reads one event
//! after the other, and shows where each leaves the run.
//!
//! ```sh
//! cargo run -p untxt-examples --bin replay_history [HISTORY]
//! ```
//!
//! HISTORY is a file as `own_workflow` writes it, an event a line; without it a
//! recorded one is read.

#![allow(clippy::print_stdout, reason = "it is a program for a terminal")]

use anyhow::Context as _;
use untxt_engine::event::Event;
use untxt_engine::state::RunState;

const RECORDED: &str = include_str!("../../histories/one-retry.jsonl");

fn main() -> anyhow::Result<()> {
    let text = match std::env::args_os().nth(1) {
        Some(path) => {
            std::fs::read_to_string(&path).with_context(|| format!("can't read {}", path.display()))?
        }
        None => RECORDED.to_owned(),
    };
    let history: Vec<Event> =
        text.lines().map(serde_json::from_str).collect::<Result<_, _>>().context("a line is no event")?;

    let (first, rest) = history.split_first().context("the history is empty")?;
    let mut run = RunState::begin(first).context("the history does not begin with a submission")?;
    print(&run);
    for event in rest {
        run.apply(event);
        print(&run);
    }

    // The whole at once comes to the same.
    anyhow::ensure!(RunState::replay(&history).as_ref() == Some(&run), "the two ways to read it disagree");
    println!("{}", serde_json::to_string_pretty(&run)?);
    Ok(())
}

fn print(run: &RunState) {
    let (status, items) = (run.status.as_str(), run.items);
    println!(
        "{:>3}  {status:<10} step {}, {} of {} item(s) done",
        run.seq, run.step, items.done, items.total
    );
}
