//! `untxt worker`: work, without doors.

use std::process::ExitCode;

use crate::failure::Failure;
use crate::start;

pub(crate) async fn run() -> Result<ExitCode, Failure> {
    let config = start::config("info")?;
    let shutdown = start::until_signalled()?;
    let platform = start::platform(&config).await?;
    tracing::info!(process = platform.process(), "working");
    platform.work(shutdown).await?;
    Ok(ExitCode::SUCCESS)
}
