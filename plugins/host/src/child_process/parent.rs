//! The parent's side: start, kill, and say how a child ended.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// Bytes of a child's last words that are kept.
const LAST_WORDS_BYTES_MAX: u64 = 4 << 10;

/// What a child runs.
#[derive(Clone, Debug)]
pub struct ChildProgram {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
}

/// How a child ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It reached its bound on CPU time.
    CpuTime,
    /// An allocation was refused.
    Memory,
    /// Somebody else ended it, with that status.
    FromOutside(ExitStatus),
    /// Its status and its last words.
    Crashed(String),
    /// The kernel did not tell.
    Unobserved,
}

/// Starts a child with that environment and no other, in a process group of its own:
/// Ctrl-C at the terminal asks the parent to drain, which needs the child. It is
/// killed when it is dropped.
///
/// # Errors
/// The program can't be started.
pub fn start(run: &ChildProgram, environment: &[(&str, &str)]) -> io::Result<Child> {
    Command::new(&run.program)
        .args(&run.arguments)
        .env_clear()
        .envs(environment.iter().copied())
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", run.program.display())))
}

/// CPU time of the child so far, to the kernel's tick of 10 ms; `None` where the
/// kernel does not tell.
#[must_use]
pub fn cpu_time(child: &Child) -> Option<Duration> {
    let id = child.id()?;
    let text = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The program's name, in brackets, may hold anything. Behind it stand the state
    // and, as the 12th and 13th, user and system time: proc(5).
    let (_, fields) = text.rsplit_once(')')?;
    let times = fields.split_ascii_whitespace().skip(11).take(2);
    let ticks = times.map(str::parse::<u64>).sum::<Result<u64, _>>().ok()?;
    Some(Duration::from_millis(ticks * 1_000 / rustix::param::clock_ticks_per_second().max(1)))
}

/// Kills the child if it lives and takes its status, so that nothing of it is left.
pub async fn kill(child: &mut Child) -> Option<ExitStatus> {
    drop(child.stdin.take());
    if let Err(error) = child.start_kill() {
        tracing::debug!(%error, "the child had ended");
    }
    child.wait().await.ok()
}

/// How a child ended that closed its output. One that neither speaks nor ends within
/// `patience` is killed.
pub async fn end(child: &mut Child, patience: Duration) -> End {
    let mut words = Vec::new();
    if let Some(stderr) = child.stderr.take() {
        let mut stderr = stderr.take(LAST_WORDS_BYTES_MAX);
        // Unreadable last words are no words.
        drop(timeout(patience, stderr.read_to_end(&mut words)).await);
    }
    let Some(status) = kill(child).await else { return End::Unobserved };
    let words = String::from_utf8_lossy(&words).trim().to_owned();
    let from_outside = [Signal::KILL, Signal::TERM, Signal::INT, Signal::HUP].map(Signal::as_raw);
    match status.signal() {
        Some(signal) if signal == Signal::XCPU.as_raw() => End::CpuTime,
        Some(signal) if from_outside.contains(&signal) => End::FromOutside(status),
        // The runtime's own words before it aborts: a refused allocation can't be
        // reported in any other way, as reporting would allocate.
        Some(signal) if signal == Signal::ABORT.as_raw() && words.starts_with("memory allocation of") => {
            End::Memory
        }
        _ if words.is_empty() => End::Crashed(status.to_string()),
        _ => End::Crashed(format!("{status}: {words}")),
    }
}
