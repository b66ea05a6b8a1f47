//! The parent's side of a child: start it, ask it, end it, and say how it ended.
//! Nothing it answers is trusted.

use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};

use rustix::process::Signal;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use super::RendererConfig;
use super::protocol::{Answer, Request};
use crate::documents::error::DocumentError;
use crate::documents::limits::Limits;

/// Bytes of an answer's header: a text layer of a very full page.
const HEADER_BYTES_MAX: u64 = 32 << 20;

/// Bytes of a child's last words that are kept.
const LAST_WORDS_BYTES_MAX: u64 = 4 << 10;

/// A new child's answer to `request`, with the pixels that follow it. When this
/// returns, the child is gone; when it is dropped, it is killed.
pub(super) async fn ask_once(
    config: &RendererConfig,
    request: &Request,
    what: &str,
) -> Result<(Answer, Vec<u8>), DocumentError> {
    let (answer, pixels, decoder) = Decoder::start(config)?.ask(request, &config.limits, what).await?;
    decoder.end().await;
    Ok((answer, pixels))
}

/// A child that waits for a request. It is killed when it is dropped.
#[derive(Debug)]
pub(super) struct Decoder {
    child: Child,
    stdout: BufReader<ChildStdout>,
}

impl Decoder {
    pub(super) fn start(config: &RendererConfig) -> Result<Self, DocumentError> {
        let mut child = spawn(config)?;
        let stdout = child.stdout.take();
        let stdout =
            stdout.ok_or_else(|| DocumentError::RendererUnavailable("it has no output".to_owned()))?;
        Ok(Self { child, stdout: BufReader::with_capacity(64 << 10, stdout) })
    }

    /// Its answer, with the pixels that follow it, and the child for the next
    /// request. When there is none, it is gone.
    pub(super) async fn ask(
        mut self,
        request: &Request,
        limits: &Limits,
        what: &str,
    ) -> Result<(Answer, Vec<u8>, Self), DocumentError> {
        let unavailable = |reason: String| DocumentError::RendererUnavailable(reason);
        let mut line = serde_json::to_vec(request).map_err(|error| unavailable(error.to_string()))?;
        line.push(b'\n');
        // Its standard input stays open: when it closes, the child knows that
        // nobody waits for it any more.
        if let Some(stdin) = self.child.stdin.as_mut() {
            stdin.write_all(&line).await.map_err(|error| unavailable(error.to_string()))?;
        }
        match timeout(limits.deadline, answer(&mut self.stdout, limits)).await {
            Ok(Ok((answer, pixels))) => Ok((answer, pixels, self)),
            Ok(Err(Silent)) => Err(autopsy(&mut self.child, limits, what).await),
            Err(_) => {
                self.end().await;
                Err(late(limits, what))
            }
        }
    }

    /// Nothing of it is left afterwards.
    pub(super) async fn end(mut self) {
        end(&mut self.child).await;
    }
}

fn spawn(config: &RendererConfig) -> Result<Child, DocumentError> {
    Command::new(&config.program)
        .args(&config.arguments)
        .env_clear()
        // Ctrl-C at the terminal asks the parent to drain, which needs us.
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| DocumentError::RendererUnavailable(format!("{}: {error}", config.program.display())))
}

/// The child closed its output before it had answered, or answered nonsense.
struct Silent;

async fn answer(stdout: &mut BufReader<ChildStdout>, limits: &Limits) -> Result<(Answer, Vec<u8>), Silent> {
    let mut header = Vec::new();
    (&mut *stdout).take(HEADER_BYTES_MAX).read_until(b'\n', &mut header).await.map_err(|_| Silent)?;
    let answer: Answer = serde_json::from_slice(&header).map_err(|_| Silent)?;
    let Answer::Rendered { width, height, color, .. } = &answer else { return Ok((answer, Vec::new())) };
    if !limits.admit(*width, *height) {
        return Err(Silent);
    }
    let mut pixels = vec![0; *width as usize * *height as usize * color.channels()];
    stdout.read_exact(&mut pixels).await.map_err(|_| Silent)?;
    Ok((answer, pixels))
}

/// Kills the child if it lives and takes its status, so that nothing of it is
/// left.
async fn end(child: &mut Child) -> Option<ExitStatus> {
    drop(child.stdin.take());
    if let Err(error) = child.start_kill() {
        tracing::debug!(%error, "the renderer had ended");
    }
    child.wait().await.ok()
}

/// Why a child ended without an answer.
async fn autopsy(child: &mut Child, limits: &Limits, what: &str) -> DocumentError {
    let mut words = Vec::new();
    if let Some(stderr) = child.stderr.take() {
        // Unreadable last words are no words. A child that neither speaks nor
        // ends is killed below.
        let mut stderr = stderr.take(LAST_WORDS_BYTES_MAX);
        drop(timeout(limits.deadline, stderr.read_to_end(&mut words)).await);
    }
    let Some(status) = end(child).await else {
        return DocumentError::RendererUnavailable("its end could not be observed".to_owned());
    };
    let what = what.to_owned();
    let words = String::from_utf8_lossy(&words).trim().to_owned();
    let from_outside = [Signal::KILL, Signal::TERM, Signal::INT, Signal::HUP].map(Signal::as_raw);
    match status.signal() {
        Some(signal) if signal == Signal::XCPU.as_raw() => late(limits, &what),
        Some(signal) if from_outside.contains(&signal) => {
            DocumentError::RendererUnavailable(format!("it was ended from outside ({status}) at {what}"))
        }
        // The runtime's own words before it aborts: a refused allocation can't
        // be reported in any other way, as reporting would allocate.
        Some(signal) if signal == Signal::ABORT.as_raw() && words.starts_with("memory allocation of") => {
            DocumentError::Memory { what, memory_bytes_max: limits.memory_bytes_max }
        }
        _ if words.is_empty() => DocumentError::RendererCrashed { what, reason: status.to_string() },
        _ => DocumentError::RendererCrashed { what, reason: format!("{status}: {words}") },
    }
}

fn late(limits: &Limits, what: &str) -> DocumentError {
    DocumentError::Timeout { what: what.to_owned(), after: limits.deadline }
}
