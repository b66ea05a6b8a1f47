//! `untxt worker`: work, without doors.

use std::process::ExitCode;

use crate::failure::Failure;
use crate::{output, start};

pub(crate) async fn run() -> Result<ExitCode, Failure> {
    let config = start::config("info")?;
    let shutdown = start::until_signalled()?;
    let platform = start::platform(&config).await?;
    output::line(&format!("working as {}", platform.process()));
    platform.work(shutdown).await?;
    Ok(ExitCode::SUCCESS)
}
