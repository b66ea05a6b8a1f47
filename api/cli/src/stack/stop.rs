//! `untxt stack stop`: all processes drain and end, in reverse order.

use std::process::ExitCode;
use std::time::Duration;

use rustix::process::Signal;
use untxt_stack::stack_dir::SUPERVISOR;
use untxt_stack::stop::{KILL_TIMEOUT, stop_all};

use super::open_dir;
use crate::failure::Failure;
use crate::{output, start};

/// How long the supervisor may take: the time-outs of its services together, and some
/// seconds for one that is just being started.
const STOP_TIMEOUT: Duration = Duration::from_secs(240);

pub(super) async fn run() -> Result<ExitCode, Failure> {
    let config = start::config("warn")?;
    let dir = open_dir(&config)?;
    let mut ran = false;
    if let Some(supervisor) = dir.pid_file(SUPERVISOR).filter(|running| running.identity.is_alive()) {
        ran = true;
        supervisor.identity.signal(Signal::TERM);
        if !supervisor.identity.is_gone_within(STOP_TIMEOUT).await {
            // Its services are stopped below.
            supervisor.identity.signal(Signal::KILL);
            supervisor.identity.is_gone_within(KILL_TIMEOUT).await;
        }
    }
    // Services that a killed supervisor has left running.
    ran |= stop_all(&dir, |service| output::line(&format!("stopped {service}, which had no supervisor")))
        .await?;
    dir.remove_servers();
    dir.remove_pid_file(SUPERVISOR);
    output::line(if ran { "the stack is stopped" } else { "the stack does not run" });
    Ok(ExitCode::SUCCESS)
}
