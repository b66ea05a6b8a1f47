//! `untxt stack`: everything there is to run, started in order, kept running,
//! looked at, and stopped in reverse.
//!
//! In reading order: [`identity`] (which process), [`service`] (what there is to
//! run), [`place`] (what is written down about it), [`restarts`] and [`logs`],
//! [`supervised`] and [`supervisor`] (the process that keeps the others running),
//! [`start`], [`stop`], [`probe`] and [`status`] (what is typed).

mod identity;
mod logs;
mod place;
mod probe;
mod restarts;
mod service;
mod start;
mod status;
mod stop;
mod supervised;
mod supervisor;

use std::process::ExitCode;

use crate::cli::{StackArguments, StackCommand};
use crate::failure::Failure;

pub(crate) async fn run(arguments: &StackArguments) -> Result<ExitCode, Failure> {
    match arguments.command {
        StackCommand::Start { with_services } => start::run(with_services).await,
        StackCommand::Stop => stop::run().await,
        StackCommand::Status { json } => status::run(json).await,
        StackCommand::Supervise { with_services } => supervisor::run(with_services).await,
    }
}
