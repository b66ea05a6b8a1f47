//! The parent's side of one child. Nothing it answers is trusted.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdout};

use super::protocol::{Answer, HEADER_BYTES_MAX, Names, Refusal, Request, Task, framed, output_lengths};
use super::tensor::NamedTensor;
use crate::child_process::{self, ChildProgram, End};
use crate::error::ModelFault;

/// One thread computes, so that a worker's pages do not fight for its cores, and sums
/// do not depend on their number. More arenas would only take address space.
const ENVIRONMENT: [(&str, &str); 3] =
    [("RTEN_NUM_THREADS", "1"), ("RAYON_NUM_THREADS", "1"), ("MALLOC_ARENA_MAX", "1")];

/// How long a child that has closed its output may take to end.
const END_PATIENCE: Duration = Duration::from_secs(1);

/// CPU time of a computation beyond the time that its call has left: the parent's
/// deadline comes first, this is for a child whose parent was stopped.
const CPU_SECONDS_SPARE: u64 = 2;

/// A model of an engine.
#[derive(Debug)]
pub(crate) struct Model {
    /// Name of the asset.
    pub(crate) name: String,
    /// SHA-256 of the file, hexadecimal.
    pub(crate) digest: String,
    pub(crate) file: Bytes,
}

/// What a child may use.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) memory_bytes_max: u64,
    /// What is left of the call's time.
    pub(super) left: Duration,
}

/// Why a model has no result.
#[derive(Debug)]
pub(crate) enum Stopped {
    /// The engine is told.
    Refused(Refusal),
    /// The call ends.
    Fault(ModelFault),
    /// The host could not start or watch a child.
    Unavailable(String),
}

/// Why a child did not answer as it should.
#[derive(Debug)]
pub(super) enum Failure {
    Refused(Refusal),
    Panicked(String),
    /// It closed its output, or answered nonsense.
    Silent,
}

/// A child that waits for a request. It is killed when it is dropped.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    stdout: BufReader<ChildStdout>,
    /// The least recently used first.
    loaded: Vec<Loaded>,
    /// Calls that it served.
    pub(super) calls: u32,
}

#[derive(Debug)]
struct Loaded {
    digest: String,
    file_bytes: usize,
    names: Arc<Names>,
}

impl Process {
    pub(super) fn start(program: &ChildProgram) -> Result<Self, Stopped> {
        let unavailable = |error: io::Error| {
            Stopped::Unavailable(format!("can't start the process that computes models: {error}"))
        };
        let mut child = child_process::start(program, &ENVIRONMENT).map_err(unavailable)?;
        let stdout = child.stdout.take().ok_or_else(|| unavailable(io::Error::other("it has no output")))?;
        Ok(Self { child, stdout: BufReader::new(stdout), loaded: Vec::new(), calls: 0 })
    }

    /// Names of the inputs and outputs of `model`, and whether it was loaded for that.
    /// Models that were not used for the longest time are dropped first where all
    /// together would exceed a quarter of the memory bound: loaded, a model takes up
    /// to twice the size of its file, and computing it needs room as well.
    pub(super) async fn load(
        &mut self,
        model: &Model,
        bounds: Bounds,
    ) -> Result<(Arc<Names>, bool), Failure> {
        if let Some(at) = self.loaded.iter().position(|loaded| loaded.digest == model.digest) {
            let loaded = self.loaded.remove(at);
            let names = Arc::clone(&loaded.names);
            self.loaded.push(loaded);
            return Ok((names, false));
        }
        let files_bytes_max = usize::try_from(bounds.memory_bytes_max / 4).unwrap_or(usize::MAX);
        let mut forget = Vec::new();
        while !self.loaded.is_empty()
            && self.loaded.iter().map(|loaded| loaded.file_bytes).sum::<usize>() + model.file.len()
                > files_bytes_max
        {
            forget.push(self.loaded.remove(0).digest);
        }
        let (digest, file_bytes) = (model.digest.clone(), model.file.len());
        let task = Task::Load { digest: digest.clone(), bytes: file_bytes, forget };
        match self.ask(task, &[&model.file[..]], bounds).await? {
            (Answer::Loaded(names), _) if names.is_bounded() => {
                let names = Arc::new(names);
                self.loaded.push(Loaded { digest, file_bytes, names: Arc::clone(&names) });
                Ok((names, true))
            }
            (Answer::Refused(refusal), _) => Err(Failure::Refused(refusal)),
            (Answer::Panicked { reason }, _) => Err(Failure::Refused(Refusal::new("bad-model", reason))),
            (Answer::Loaded(_) | Answer::Computed { .. }, _) => Err(Failure::Silent),
        }
    }

    /// The outputs of a loaded model.
    pub(super) async fn compute(
        &mut self,
        model: &Model,
        inputs: &[NamedTensor],
        bounds: Bounds,
    ) -> Result<Vec<NamedTensor>, Failure> {
        let headers = inputs.iter().map(|input| input.header.clone()).collect();
        let data: Vec<&[u8]> = inputs.iter().map(|input| &input.data[..]).collect();
        let task = Task::Compute { digest: model.digest.clone(), inputs: headers };
        match self.ask(task, &data, bounds).await? {
            (Answer::Computed { .. }, outputs) => Ok(outputs),
            (Answer::Refused(refusal), _) => Err(Failure::Refused(refusal)),
            (Answer::Panicked { reason }, _) => Err(Failure::Panicked(reason)),
            (Answer::Loaded(_), _) => Err(Failure::Silent),
        }
    }

    async fn ask(
        &mut self,
        task: Task,
        data: &[&[u8]],
        bounds: Bounds,
    ) -> Result<(Answer, Vec<NamedTensor>), Failure> {
        let spent = child_process::cpu_time(&self.child).unwrap_or_default();
        let request = Request {
            memory_bytes_max: bounds.memory_bytes_max,
            cpu_seconds_max: (spent + bounds.left).as_secs() + CPU_SECONDS_SPARE,
            task,
        };
        self.write(&request, data).await.map_err(|_| Failure::Silent)?;
        answer(&mut self.stdout).await
    }

    async fn write(&mut self, header: &impl Serialize, data: &[&[u8]]) -> io::Result<()> {
        // Its standard input stays open: when it closes, the child knows that nobody
        // waits for it any more.
        let stdin = self.child.stdin.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        stdin.write_all(&framed(header)?).await?;
        for piece in data {
            stdin.write_all(piece).await?;
        }
        stdin.flush().await
    }

    /// Why it went silent. Nothing of it is left afterwards.
    pub(super) async fn end(mut self, bounds: Bounds) -> Stopped {
        Stopped::Fault(match child_process::end(&mut self.child, END_PATIENCE).await {
            End::CpuTime => ModelFault::Timeout { after: bounds.left },
            End::Memory => ModelFault::Memory { memory_bytes_max: bounds.memory_bytes_max },
            End::FromOutside(status) => {
                ModelFault::Crashed { reason: format!("its process was ended from outside ({status})") }
            }
            End::Crashed(reason) => ModelFault::Crashed { reason },
            End::Unobserved => {
                return Stopped::Unavailable(
                    "the end of the process that computes models can't be seen".into(),
                );
            }
        })
    }
}

/// An answer, with the outputs that follow it. Sizes are checked before memory is
/// given.
pub(super) async fn answer<R: AsyncRead + Unpin>(
    stdout: &mut R,
) -> Result<(Answer, Vec<NamedTensor>), Failure> {
    let length = piece(stdout, 4).await?.try_into().map_err(|_| Failure::Silent)?;
    let length = u32::from_le_bytes(length) as usize;
    if length > HEADER_BYTES_MAX {
        return Err(Failure::Silent);
    }
    let answer = serde_json::from_slice(&piece(stdout, length).await?).map_err(|_| Failure::Silent)?;
    let mut tensors = Vec::new();
    if let Answer::Computed { outputs } = &answer {
        let lengths = output_lengths(outputs).ok_or(Failure::Silent)?;
        for (header, length) in outputs.iter().zip(lengths) {
            tensors.push(NamedTensor { header: header.clone(), data: piece(stdout, length).await? });
        }
    }
    Ok((answer, tensors))
}

async fn piece<R: AsyncRead + Unpin>(stdout: &mut R, length: usize) -> Result<Vec<u8>, Failure> {
    let mut bytes = vec![0; length];
    stdout.read_exact(&mut bytes).await.map_err(|_| Failure::Silent)?;
    Ok(bytes)
}
