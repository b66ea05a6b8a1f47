//! The `untxt` program.
//!
//! In reading order; each module uses only those above it: what commands share (from
//! `output` to `redrive`), the commands, and `cli`, which lists them.

mod output;

mod failure;

mod data_dir;

mod start;

mod operator;
mod redrive;

mod bench;
mod dead_letters;
mod doctor;
mod keys;
mod migrate;
mod ocr;
mod plugin;
mod queues;
mod stack;
mod tasks;
mod workers;

mod redrives;
mod retries;

mod worker_listener;

mod serve;
mod worker;

mod cli;

#[cfg(test)]
#[path = "../../../engine/src/module_order.rs"]
mod module_order;

use std::ffi::OsStr;
use std::process::ExitCode;

use clap::Parser;
use untxt_plugins::inference;
use untxt_settings::{MODEL_COMMAND, RENDER_COMMAND};
use untxt_workflows::documents::renderer;

use cli::{Cli, Command};
use failure::Failure;

fn main() -> ExitCode {
    // Before anything else is set up: these processes do one kind of work.
    match std::env::args_os().nth(1).as_deref().and_then(OsStr::to_str) {
        Some(RENDER_COMMAND) => return renderer::child::main(),
        Some(MODEL_COMMAND) => return inference::child::main(),
        _ => {}
    }
    let cli = Cli::parse();
    match run(cli) {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}

fn run(cli: Cli) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::work)?;
    runtime.block_on(async {
        match cli.command.unwrap_or_default() {
            Command::Ocr(arguments) => ocr::run(arguments).await,
            Command::Serve(arguments) => serve::run(&arguments).await,
            Command::Worker => worker::run().await,
            Command::Stack(arguments) => stack::run(&arguments).await,
            Command::Migrate(arguments) => migrate::run(&arguments).await,
            Command::Tasks(arguments) => tasks::run(&arguments).await,
            Command::DeadLetters(arguments) => dead_letters::run(&arguments).await,
            Command::Redrives(arguments) => redrives::run(&arguments).await,
            Command::Queues(arguments) => queues::run(&arguments).await,
            Command::Workers(arguments) => workers::run(&arguments).await,
            Command::Retries(arguments) => retries::run(&arguments).await,
            Command::Keys(arguments) => keys::run(arguments).await,
            Command::Plugin(arguments) => plugin::run(&arguments).await,
            Command::Doctor(arguments) => doctor::run(&arguments).await,
            Command::Bench(arguments) => bench::run(&arguments).await,
        }
    })
}
