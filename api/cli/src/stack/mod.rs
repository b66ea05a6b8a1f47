//! `untxt stack`: starts all processes in order, keeps them running, shows their
//! state, and stops them in reverse order.
//!
//! In reading order: [`supervise`] (the hidden command that keeps the others running),
//! [`start`], [`stop`], [`probe`] and [`status`].

mod probe;
mod start;
mod status;
mod stop;
mod supervise;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use untxt_settings::{Config, RUNNING_SERVICES};
use untxt_stack::stack_dir::StackDir;

use crate::data_dir;
use crate::failure::Failure;

#[derive(Debug, Args)]
pub(crate) struct StackArguments {
    #[command(subcommand)]
    pub(crate) command: StackCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum StackCommand {
    /// Start all processes in the background and restart those that die.
    Start {
        /// Also start a private PostgreSQL and Redis from the distribution's
        /// binaries, with their data in the data directory.
        #[arg(long)]
        with_services: bool,
    },
    /// Stop all processes in reverse order; running pages finish or return to the
    /// queue.
    Stop,
    /// Show the state of every process and the queue lengths; exit code 1 if one is
    /// down.
    Status {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Run the supervisor.
    #[command(hide = true)]
    Supervise {
        #[arg(long)]
        with_services: bool,
    },
}

pub(crate) async fn run(arguments: &StackArguments) -> Result<ExitCode, Failure> {
    match arguments.command {
        StackCommand::Start { with_services } => start::run(with_services).await,
        StackCommand::Stop => stop::run().await,
        StackCommand::Status { json } => status::run(json).await,
        StackCommand::Supervise { with_services } => supervise::run(with_services).await,
    }
}

/// The directory of the stack under the data directory.
fn open_dir(config: &Config) -> Result<StackDir, Failure> {
    data_dir::prepare(config)?;
    let path = config.data_dir.join("stack");
    StackDir::open(&path, &config.data_dir.join(RUNNING_SERVICES)).map_err(|error| {
        Failure::usage(format!("can't use {}: {error}; UNTXT_DATA_DIR names it", path.display()))
    })
}
