//! `untxt stack start`: returns when all processes are ready.

use std::process::{ExitCode, Stdio};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use untxt_stack::logs::tail;
use untxt_stack::stack_dir::SUPERVISOR;

use super::open_dir;
use crate::failure::Failure;
use crate::{output, start};

pub(super) async fn run(with_services: bool) -> Result<ExitCode, Failure> {
    let config = start::config("warn")?;
    let dir = open_dir(&config)?;
    if let Some(running) = dir.pid_file(SUPERVISOR).filter(|running| running.identity.is_alive()) {
        output::line(&format!("the stack runs already (supervisor {})", running.identity.pid));
        return Ok(ExitCode::SUCCESS);
    }
    let log = dir.open_log(SUPERVISOR).map_err(Failure::work)?;
    let mut command = Command::new(std::env::current_exe().map_err(Failure::work)?);
    command.args(["stack", "supervise"]).args(with_services.then_some("--with-services"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
    let mut supervisor = command.spawn().map_err(Failure::work)?;
    let Some(stdout) = supervisor.stdout.take() else { return Err(Failure::work("no output to read")) };
    let mut lines = BufReader::new(stdout).lines();
    while let Some(line) = lines.next_line().await.map_err(Failure::work)? {
        let told: Value = serde_json::from_str(&line).unwrap_or_default();
        if told["ready"] == true {
            output::line(&format!("the stack runs; logs are in {}", dir.path().display()));
            return Ok(ExitCode::SUCCESS);
        }
        if let Some(reason) = told["failed"].as_str() {
            let code = told["code"].as_u64().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
            supervisor.wait().await.map_err(Failure::work)?;
            return Err(Failure::with_code(code, format!("the stack could not be started: {reason}")));
        }
        let line = format!("{} {}", output::plain(&told["started"]), output::plain(&told["address"]));
        output::line(line.trim_end());
    }
    let status = supervisor.wait().await.map_err(Failure::work)?;
    let log = dir.log(SUPERVISOR);
    Err(Failure::work(format!(
        "the supervisor ended ({status}); its log {} ends with: {}",
        log.display(),
        tail(&log)
    )))
}
