//! Ends the services of a stack.

use std::time::Duration;

use rustix::process::Signal;

use crate::error::StackError;
use crate::service::Service;
use crate::stack_dir::StackDir;

/// How long a killed process may take to disappear.
pub const KILL_TIMEOUT: Duration = Duration::from_secs(10);

/// Ends every service that has a pid file, in reverse order; one that does not shut
/// down in time is killed. `stopped` hears the name of each. Returns whether any ran.
///
/// # Errors
/// [`StackError::StillRuns`]; that service's pid file stays.
pub async fn stop_all(dir: &StackDir, mut stopped: impl FnMut(&'static str)) -> Result<bool, StackError> {
    let mut any = false;
    for service in Service::ALL.into_iter().rev() {
        let name = service.name();
        let Some(pid_file) = dir.pid_file(name) else { continue };
        let process = pid_file.identity;
        if process.is_alive() {
            any = true;
            process.signal(service.stop_signal());
            if !process.is_gone_within(service.stop_timeout()).await {
                tracing::warn!(service = name, "did not stop in time; killing it");
                process.signal(Signal::KILL);
                if !process.is_gone_within(KILL_TIMEOUT).await {
                    return Err(StackError::StillRuns { service: name, pid: process.pid });
                }
            }
            stopped(name);
        }
        dir.remove_pid_file(name);
    }
    Ok(any)
}
