//! The parent's side of a child: start it, ask it, end it, and say how it ended.
//! Nothing it answers is trusted.

use std::io;
use std::time::{Duration, Instant};

use tokio::fs::File;
use tokio::io::{
    AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncSeekExt, AsyncWriteExt, BufReader, copy_buf,
};
use tokio::process::{Child, ChildStdout};
use tokio::time::timeout;
use untxt_plugins::child_process::{self, End};

use super::child::CPU_SECONDS_CEILING;
use super::config::RendererConfig;
use super::protocol::{Answer, ChildLimits, PART_BYTES_MAX, Request, Task};
use crate::documents::error::DocumentError;
use crate::documents::limits::Limits;

/// Bytes of an answer's header: a text layer of a very full page.
const HEADER_BYTES_MAX: u64 = 32 << 20;

/// What a child is asked.
#[derive(Debug)]
pub(super) struct Question<'a> {
    pub(super) request: Request,
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

    /// Takes back what a child that failed has written of its file.
    async fn begin_file(&mut self) -> io::Result<()> {
        let Some(file) = &mut self.written_to else { return Ok(()) };
        file.set_len(0).await?;
        file.rewind().await.map(drop)
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
        let unavailable = |error: io::Error| DocumentError::RendererUnavailable(error.to_string());
        let mut child = child_process::start(&config.program, &[]).map_err(unavailable)?;
        let stdout = child.stdout.take().ok_or_else(|| unavailable(io::Error::other("it has no output")))?;
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
        let (began, before) = (Instant::now(), child_process::cpu_time(&self.child));
        let asked = timeout(question.limits.deadline, self.answer(question, before)).await;
        let spent = child_process::cpu_time(&self.child)
            .zip(before)
            .map(|(after, before)| after.saturating_sub(before));
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
        question.begin_file().await.map_err(Failure::Unreachable)?;
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

    /// Whether it has CPU time left for all that the question may take.
    pub(super) fn has_time_for(&self, question: &Question<'_>) -> bool {
        let spent = child_process::cpu_time(&self.child).map_or(0, |spent| spent.as_secs());
        spent + question.request.limits.cpu_seconds_max < CPU_SECONDS_CEILING
    }

    /// Nothing of it is left afterwards.
    pub(super) async fn end(mut self) {
        child_process::kill(&mut self.child).await;
    }
}

/// Why there is no answer.
pub(super) enum Failure {
    /// The request did not reach the child, or its file not the disk.
    Unreachable(io::Error),
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

/// Why a child ended without an answer.
async fn exit_reason(child: &mut Child, question: &Question<'_>) -> DocumentError {
    let what = question.what.to_owned();
    match child_process::end(child, question.limits.deadline).await {
        End::CpuTime => late(question),
        End::Memory => DocumentError::Memory { what, memory_bytes_max: question.limits.memory_bytes_max },
        End::FromOutside(status) => {
            DocumentError::RendererUnavailable(format!("it was ended from outside ({status}) at {what}"))
        }
        End::Crashed(reason) => DocumentError::RendererCrashed { what, reason },
        End::Unobserved => DocumentError::RendererUnavailable("its end could not be observed".to_owned()),
    }
}

fn late(question: &Question<'_>) -> DocumentError {
    DocumentError::Timeout { what: question.what.to_owned(), after: question.limits.deadline }
}
