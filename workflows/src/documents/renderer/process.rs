//! The parent's side of a child: start it, ask it, end it, and say how it ended.
//! Nothing it answers is trusted.

use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tokio::fs::File;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, copy_buf};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use super::config::RendererConfig;
use super::protocol::{Answer, ChildLimits, PART_BYTES_MAX, Request, Task};
use crate::documents::error::DocumentError;
use crate::documents::limits::Limits;

/// Bytes of an answer's header: a text layer of a very full page.
const HEADER_BYTES_MAX: u64 = 32 << 20;

/// Bytes of a child's last words that are kept.
const LAST_WORDS_BYTES_MAX: u64 = 4 << 10;

/// What a child is asked.
#[derive(Debug)]
pub(super) struct Question<'a> {
    pub(super) request: Request,
    /// Whether the child may be asked another one. Of a picture nothing stays open
    /// that would make the next page cheaper.
    pub(super) may_repeat: bool,
    /// With the deadline of this question.
    pub(super) limits: Limits,
    /// For people.
    pub(super) what: &'a str,
    /// Where a file goes that the child writes.
    pub(super) written_to: Option<File>,
}

impl Question<'_> {
    /// Whether `answer` is one to this question, and no failure.
    pub(super) fn is_answered_by(&self, answer: &Answer) -> bool {
        match self.request.task {
            Task::Probe => matches!(answer, Answer::Probed { .. }),
            Task::Render { .. } => matches!(answer, Answer::Rendered { .. }),
            Task::Write(_) => matches!(answer, Answer::Written),
        }
    }
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
    /// request. When there is none, it is gone. What it took is added to `cost`:
    /// the child's CPU time, or the whole deadline when that was over.
    pub(super) async fn ask(
        mut self,
        question: &mut Question<'_>,
        cost: &mut Duration,
    ) -> Result<(Answer, Vec<u8>, Self), DocumentError> {
        let (began, before) = (Instant::now(), self.cpu_time());
        let asked = timeout(question.limits.deadline, self.answer(question, before)).await;
        let spent = self.cpu_time().zip(before).map(|(after, before)| after.saturating_sub(before));
        *cost += match &asked {
            Ok(_) => spent.unwrap_or_else(|| began.elapsed()),
            Err(_) => question.limits.deadline,
        };
        match asked {
            Ok(Ok((answer, pixels))) => Ok((answer, pixels, self)),
            Ok(Err(Failure::Unreachable(error))) => {
                self.end().await;
                Err(DocumentError::RendererUnavailable(error.to_string()))
            }
            Ok(Err(Failure::NoAnswer)) => Err(exit_reason(&mut self.child, question).await),
            Err(_) => {
                self.end().await;
                Err(late(question))
            }
        }
    }

    async fn answer(
        &mut self,
        question: &mut Question<'_>,
        spent: Option<Duration>,
    ) -> Result<(Answer, Vec<u8>), Failure> {
        let mut request = question.request.clone();
        // It counts from the child's beginning.
        request.limits = ChildLimits {
            cpu_seconds_max: request.limits.cpu_seconds_max + spent.map_or(0, |spent| spent.as_secs()),
            ..request.limits
        };
        let mut line = serde_json::to_vec(&request).map_err(|error| Failure::Unreachable(error.into()))?;
        line.push(b'\n');
        // Its standard input stays open: when it closes, the child knows that
        // nobody waits for it any more.
        if let Some(stdin) = self.child.stdin.as_mut() {
            stdin.write_all(&line).await.map_err(Failure::Unreachable)?;
        }
        answer(&mut self.stdout, &question.limits, question.written_to.as_mut()).await
    }

    /// CPU time of the child so far, to the kernel's tick of 10 ms; `None` where
    /// the kernel does not tell.
    fn cpu_time(&self) -> Option<Duration> {
        let id = self.child.id()?;
        let text = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        // The program's name, in brackets, may hold anything. Behind it stand the
        // state and, as the 12th and 13th, user and system time: proc(5).
        let (_, fields) = text.rsplit_once(')')?;
        let times = fields.split_ascii_whitespace().skip(11).take(2);
        let ticks = times.map(str::parse::<u64>).sum::<Result<u64, _>>().ok()?;
        Some(Duration::from_millis(ticks * 1_000 / rustix::param::clock_ticks_per_second().max(1)))
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

/// Why there is no answer.
pub(super) enum Failure {
    /// The request did not reach the child, or its file not the disk.
    Unreachable(std::io::Error),
    /// The child closed its output before it had answered, or answered nonsense.
    NoAnswer,
}

/// The next answer on `stdout`, with the pixels that follow it; parts of a file that
/// come before it go to `file`.
pub(super) async fn answer<R: AsyncBufRead + Unpin>(
    stdout: &mut R,
    limits: &Limits,
    mut file: Option<&mut File>,
) -> Result<(Answer, Vec<u8>), Failure> {
    let silent = |_| Failure::NoAnswer;
    let mut written: u64 = 0;
    loop {
        let mut header = Vec::new();
        (&mut *stdout).take(HEADER_BYTES_MAX).read_until(b'\n', &mut header).await.map_err(silent)?;
        match serde_json::from_slice(&header).map_err(|_| Failure::NoAnswer)? {
            Answer::Part { bytes } => {
                let file = file.as_deref_mut().ok_or(Failure::NoAnswer)?;
                written += bytes as u64;
                if bytes > PART_BYTES_MAX || written > limits.written_bytes_max {
                    return Err(Failure::NoAnswer);
                }
                let copied = copy_buf(&mut (&mut *stdout).take(bytes as u64), file).await;
                if copied.map_err(Failure::Unreachable)? < bytes as u64 {
                    return Err(Failure::NoAnswer);
                }
            }
            Answer::Rendered { width, height, .. } if !limits.admit(width, height) => {
                return Err(Failure::NoAnswer);
            }
            answer @ Answer::Rendered { width, height, color, .. } => {
                let mut pixels = vec![0; width as usize * height as usize * color.channels()];
                stdout.read_exact(&mut pixels).await.map_err(silent)?;
                return Ok((answer, pixels));
            }
            answer @ Answer::Written => {
                if let Some(file) = file {
                    file.flush().await.map_err(Failure::Unreachable)?;
                }
                return Ok((answer, Vec::new()));
            }
            answer @ (Answer::Probed { .. } | Answer::Failed(_)) => return Ok((answer, Vec::new())),
        }
    }
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
async fn exit_reason(child: &mut Child, question: &Question<'_>) -> DocumentError {
    let mut words = Vec::new();
    if let Some(stderr) = child.stderr.take() {
        // Unreadable last words are no words. A child that neither speaks nor
        // ends is killed below.
        let mut stderr = stderr.take(LAST_WORDS_BYTES_MAX);
        drop(timeout(question.limits.deadline, stderr.read_to_end(&mut words)).await);
    }
    let Some(status) = end(child).await else {
        return DocumentError::RendererUnavailable("its end could not be observed".to_owned());
    };
    let what = question.what.to_owned();
    let words = String::from_utf8_lossy(&words).trim().to_owned();
    let from_outside = [Signal::KILL, Signal::TERM, Signal::INT, Signal::HUP].map(Signal::as_raw);
    match status.signal() {
        Some(signal) if signal == Signal::XCPU.as_raw() => late(question),
        Some(signal) if from_outside.contains(&signal) => {
            DocumentError::RendererUnavailable(format!("it was ended from outside ({status}) at {what}"))
        }
        // The runtime's own words before it aborts: a refused allocation can't
        // be reported in any other way, as reporting would allocate.
        Some(signal) if signal == Signal::ABORT.as_raw() && words.starts_with("memory allocation of") => {
            DocumentError::Memory { what, memory_bytes_max: question.limits.memory_bytes_max }
        }
        _ if words.is_empty() => DocumentError::RendererCrashed { what, reason: status.to_string() },
        _ => DocumentError::RendererCrashed { what, reason: format!("{status}: {words}") },
    }
}

fn late(question: &Question<'_>) -> DocumentError {
    DocumentError::Timeout { what: question.what.to_owned(), after: question.limits.deadline }
}
