//! The child: reads a request, answers it, and waits for another one until its
//! input ends.

use std::fs;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;

use hayro::hayro_syntax::Pdf;
use untxt_plugins::child_process::{Requests, confine, limit_cpu_time};

use super::protocol::{Answer, Request, Task};
use super::{pdf, picture};
use crate::documents::error::DocumentError;
use crate::documents::kind::Kind;

/// Stack of the thread that decodes: nested PDFs recurse.
const STACK_BYTES: usize = 64 << 20;

/// CPU seconds of a child whatever its requests allow, together: one that is
/// asked the most it may be, and takes all the time there is each time, comes
/// near to it.
const CPU_SECONDS_CEILING: u64 = 60 * 60;

/// A document that stays open from one of its pages to the next, so that it is
/// read and parsed once. The parent asks a child that was given one about no
/// other.
struct Opened {
    path: PathBuf,
    pdf: Pdf,
}

/// What the child's `main` calls: answers requests on standard input, one a
/// line, on standard output, until the input ends. It fails when the parent
/// can't be talked to. The bounds that the first request gives hold for all, but
/// for that on CPU time, which each request sets anew.
#[must_use]
pub fn main() -> ExitCode {
    let Err(error) = serve() else { return ExitCode::SUCCESS };
    // The parent reads these words if it lives; if not, nobody does.
    drop(writeln!(io::stderr(), "{error}"));
    ExitCode::FAILURE
}

fn serve() -> io::Result<()> {
    let mut confined = false;
    let mut opened = None;
    Requests::read(|| io::stdin().lines().next()?.ok()).answer_all(|line| {
        let request: Request = serde_json::from_str(&line)?;
        if !confined {
            confine(request.limits.memory_bytes_max)?;
            confined = true;
        }
        limit_cpu_time(request.limits.cpu_seconds_max, Some(CPU_SECONDS_CEILING))?;
        let decoded = thread::scope(|scope| {
            let decoding = || answer(&request, &mut opened);
            Ok::<_, io::Error>(
                thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, decoding)?.join(),
            )
        })?;
        let (answer, pixels) =
            decoded.map_err(|_| io::Error::other("the decoder panicked while it panicked"))?;
        let mut out = io::stdout().lock();
        serde_json::to_writer(&mut out, &answer)?;
        out.write_all(b"\n")?;
        out.write_all(&pixels)?;
        out.flush()
    })
}

fn answer(request: &Request, opened: &mut Option<Opened>) -> (Answer, Vec<u8>) {
    // The text of a panic is our answer, not something for standard error.
    std::panic::set_hook(Box::new(|_| {}));
    match catch_unwind(AssertUnwindSafe(|| decode(request, opened))) {
        Ok(Ok(decoded)) => decoded,
        Ok(Err(error)) => (Answer::Failed(error), Vec::new()),
        Err(panic) => (Answer::Failed(crashed(request, panic.as_ref())), Vec::new()),
    }
}

fn decode(request: &Request, opened: &mut Option<Opened>) -> Result<(Answer, Vec<u8>), DocumentError> {
    match (request.kind, request.task) {
        (Kind::Pdf, Task::Probe) => {
            let pdf = pdf::open(read(request)?)?;
            Ok((Answer::Probed { pages: pdf::count(&pdf) }, Vec::new()))
        }
        (Kind::Pdf, Task::Render { index, options }) => {
            let kept = opened.take().filter(|opened| opened.path == request.path);
            let pdf = match kept {
                Some(kept) => kept.pdf,
                None => pdf::open(read(request)?)?,
            };
            let rendered = pdf::render(&pdf, index, options, &request.limits)?;
            *opened = Some(Opened { path: request.path.clone(), pdf });
            Ok(rendered)
        }
        (kind, Task::Probe) => {
            let pages = picture::count(read(request)?, kind, &request.limits)?;
            Ok((Answer::Probed { pages }, Vec::new()))
        }
        (kind, Task::Render { index, options }) => {
            picture::render(read(request)?, kind, index, options, &request.limits)
        }
    }
}

fn read(request: &Request) -> Result<Vec<u8>, DocumentError> {
    fs::read(&request.path)
        .map_err(|error| DocumentError::RendererUnavailable(format!("{}: {error}", request.path.display())))
}

fn crashed(request: &Request, panic: &(dyn std::any::Any + Send)) -> DocumentError {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked");
    let what = match request.task {
        Task::Probe => format!("the {}", request.kind.mime()),
        Task::Render { index, .. } => format!("page {} of the {}", index + 1, request.kind.mime()),
    };
    DocumentError::RendererCrashed { what, reason: text.to_owned() }
}
