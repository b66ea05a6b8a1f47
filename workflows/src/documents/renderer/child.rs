//! The child: reads a request, answers it, and waits for another one until its
//! input ends.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::thread;

use hayro::hayro_syntax::Pdf;
use untxt_plugins::child_process::{Requests, confine, limit_cpu_time};

use super::document::Document;
use super::protocol::{Answer, PART_BYTES_MAX, Request, Task};
use super::{pdf, picture, searchable};
use crate::documents::error::DocumentError;
use crate::documents::kind::Kind;

/// Stack of the thread that decodes: nested PDFs recurse.
const STACK_BYTES: usize = 64 << 20;

/// CPU seconds of a child whatever its requests allow, together. The parent asks
/// nothing of it that could come beyond.
pub(super) const CPU_SECONDS_CEILING: u64 = 60 * 60;

/// A document that stays open from one of its pages to the next, so that it is
/// read and parsed once. Whatever is asked for next that is no page of it closes it.
struct Opened {
    document: Document,
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
    let kept = opened.take().filter(|opened| opened.document == request.document);
    match (request.kind, &request.task) {
        (Kind::Pdf, Task::Probe) => {
            let pdf = pdf::open(read(request)?)?;
            Ok((Answer::Probed { pages: pdf::count(&pdf) }, Vec::new()))
        }
        (Kind::Pdf, Task::Render { index, options }) => {
            let pdf = match kept {
                Some(kept) => kept.pdf,
                None => pdf::open(read(request)?)?,
            };
            let rendered = pdf::render(&pdf, *index, *options, &request.limits)?;
            if matches!(rendered.0, Answer::Rendered { stays_open: true, .. }) {
                *opened = Some(Opened { document: request.document.clone(), pdf });
            }
            Ok(rendered)
        }
        (kind, Task::Probe) => {
            let pages = picture::count(read(request)?, kind, &request.limits)?;
            Ok((Answer::Probed { pages }, Vec::new()))
        }
        (kind, Task::Render { index, options }) => {
            picture::render(read(request)?, kind, *index, *options, &request.limits)
        }
        (kind, Task::Write(task)) => {
            let out = BufWriter::with_capacity(PART_BYTES_MAX, Parts(io::stdout().lock()));
            searchable::write(read(request)?, kind, task, &request.limits, out)?;
            Ok((Answer::Written, Vec::new()))
        }
    }
}

/// Sends what is written as parts of a file.
struct Parts<W>(W);

impl<W: Write> Write for Parts<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let part = &bytes[..bytes.len().min(PART_BYTES_MAX)];
        serde_json::to_writer(&mut self.0, &Answer::Part { bytes: part.len() })?;
        self.0.write_all(b"\n")?;
        self.0.write_all(part)?;
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// The bytes of the document. Of what lies behind them in its file nothing is read.
fn read(request: &Request) -> Result<Vec<u8>, DocumentError> {
    let (path, size_bytes) = (request.document.path(), request.document.size_bytes());
    let mut bytes = Vec::with_capacity(usize::try_from(size_bytes).unwrap_or_default());
    let read = File::open(path).and_then(|file| file.take(size_bytes).read_to_end(&mut bytes));
    read.map_err(|error| DocumentError::RendererUnavailable(format!("{}: {error}", path.display())))?;
    Ok(bytes)
}

fn crashed(request: &Request, panic: &(dyn std::any::Any + Send)) -> DocumentError {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked");
    let what = match &request.task {
        Task::Probe => format!("the {}", request.kind.mime()),
        Task::Render { index, .. } => format!("page {} of the {}", index + 1, request.kind.mime()),
        Task::Write(_) => format!("writing the PDF of the {}", request.kind.mime()),
    };
    DocumentError::RendererCrashed { what, reason: text.to_owned() }
}
