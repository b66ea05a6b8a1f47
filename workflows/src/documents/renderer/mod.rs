//! Decoding and rasterising, in a process that can be ended.
//!
//! A PDF may be built so that it never ends, and a thread can't be ended; so
//! each call starts a child (the program itself with a hidden argument), gives
//! it bounds of its own, and kills it at the deadline. What the child held goes
//! with it. Its answer is not trusted: sizes are checked before memory is
//! given.

pub mod child;
mod density;
mod pdf;
mod picture;
mod protocol;
mod text;
mod tiff_colors;
mod tiff_fields;
mod tiff_pages;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::error::DocumentError;
use super::kind::{HEAD_BYTES, Kind};
use super::limits::Limits;
use protocol::{Answer, ChildLimits, Request, Task};

pub use protocol::{Color, Pixels, Probe, RenderOptions, RenderedPage, TextLine, TextWord};

/// Bytes of an answer's header: a text layer of a very full page.
const HEADER_BYTES_MAX: u64 = 32 << 20;

/// Bytes of a child's last words that are kept.
const LAST_WORDS_BYTES_MAX: u64 = 4 << 10;

/// How the child is started.
#[derive(Clone, Debug)]
pub struct RendererConfig {
    /// A program that ends up in [`child::main`].
    pub program: PathBuf,
    /// The arguments that bring it there.
    pub arguments: Vec<OsString>,
    /// What a document may cost.
    pub limits: Limits,
}

/// Turns files into page images.
#[derive(Clone, Debug)]
pub struct Renderer {
    config: RendererConfig,
}

impl Renderer {
    /// A renderer that starts the child as `config` says.
    #[must_use]
    pub fn new(config: RendererConfig) -> Self {
        Self { config }
    }

    /// Kind and number of pages of the file at `path`.
    ///
    /// # Errors
    /// [`DocumentError::Empty`], `UnsupportedType`, `Encrypted`, `Broken`,
    /// `NoPages`, `TooManyPages`, `PageTooLarge` (for pictures, whose header
    /// tells), or what ended the child: `Timeout`, `Memory`,
    /// `RendererCrashed`, `RendererUnavailable`.
    pub async fn probe(&self, path: &Path) -> Result<Probe, DocumentError> {
        let kind = sniff(path).await?;
        let (answer, _) =
            self.ask(path, kind, Task::Probe, &format!("looking at the {}", kind.mime())).await?;
        match answer {
            Answer::Probed { pages: 0 } => Err(DocumentError::NoPages),
            Answer::Probed { pages } if pages > self.config.limits.pages_max => {
                Err(DocumentError::TooManyPages { pages, pages_max: self.config.limits.pages_max })
            }
            Answer::Probed { pages } => Ok(Probe { kind, pages }),
            Answer::Failed(error) => Err(error),
            Answer::Rendered { .. } => Err(nonsense("another answer than was asked for")),
        }
    }

    /// The page at `index` (from 0) as pixels, with the text it carries.
    ///
    /// Dropping the future ends the child.
    ///
    /// # Errors
    /// As [`Renderer::probe`], and [`DocumentError::PageOutOfRange`] and
    /// `PageTooLarge`.
    pub async fn render(
        &self,
        path: &Path,
        index: u32,
        options: RenderOptions,
    ) -> Result<RenderedPage, DocumentError> {
        let kind = sniff(path).await?;
        let what = format!("page {} at {} dpi", index + 1, options.dpi);
        let (answer, pixels) = self.ask(path, kind, Task::Render { index, options }, &what).await?;
        match answer {
            Answer::Rendered { width, height, dpi, color, text_layer } => {
                let pixels = match color {
                    Color::Gray => Pixels::Luma8(pixels),
                    Color::Rgb => Pixels::Rgb8(pixels),
                };
                Ok(RenderedPage { width, height, dpi, pixels, text_layer })
            }
            Answer::Failed(error) => Err(error),
            Answer::Probed { .. } => Err(nonsense("another answer than was asked for")),
        }
    }

    async fn ask(
        &self,
        path: &Path,
        kind: Kind,
        task: Task,
        what: &str,
    ) -> Result<(Answer, Vec<u8>), DocumentError> {
        let limits = &self.config.limits;
        let request = Request { path: path.to_owned(), kind, task, limits: ChildLimits::from(limits) };
        let mut child = self.start(&request).await?;
        match timeout(limits.deadline, answer(&mut child, limits)).await {
            Ok(Ok(answered)) => {
                end(&mut child).await;
                Ok(answered)
            }
            Ok(Err(Silent)) => Err(self.autopsy(&mut child, what).await),
            Err(_) => {
                end(&mut child).await;
                Err(DocumentError::Timeout { what: what.to_owned(), after: limits.deadline })
            }
        }
    }

    async fn start(&self, request: &Request) -> Result<Child, DocumentError> {
        let unavailable = |error: std::io::Error| DocumentError::RendererUnavailable(error.to_string());
        let mut child = Command::new(&self.config.program)
            .args(&self.config.arguments)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(unavailable)?;
        let mut line =
            serde_json::to_vec(request).map_err(|e| DocumentError::RendererUnavailable(e.to_string()))?;
        line.push(b'\n');
        // Its standard input stays open: when it closes, the child knows that
        // nobody waits for it any more.
        if let Some(stdin) = child.stdin.as_mut() {
            stdin.write_all(&line).await.map_err(unavailable)?;
        }
        Ok(child)
    }

    /// Why a child ended without an answer.
    async fn autopsy(&self, child: &mut Child, what: &str) -> DocumentError {
        let mut words = Vec::new();
        if let Some(stderr) = child.stderr.take() {
            // Unreadable last words are no words.
            let mut stderr = stderr.take(LAST_WORDS_BYTES_MAX);
            drop(timeout(self.config.limits.deadline, stderr.read_to_end(&mut words)).await);
        }
        let status = end(child).await;
        let words = String::from_utf8_lossy(&words).trim().to_owned();
        // The runtime's own words before it aborts: a refused allocation can't
        // be reported in any other way, as reporting would allocate.
        if words.starts_with("memory allocation of") {
            return DocumentError::Memory {
                what: what.to_owned(),
                memory_bytes_max: self.config.limits.memory_bytes_max,
            };
        }
        let status = status.map_or_else(|| "unknown status".to_owned(), |status| status.to_string());
        let reason = if words.is_empty() { status } else { format!("{status}: {words}") };
        DocumentError::RendererCrashed { what: what.to_owned(), reason }
    }
}

/// The child closed its output before it had answered.
struct Silent;

async fn sniff(path: &Path) -> Result<Kind, DocumentError> {
    let broken =
        |error: std::io::Error| DocumentError::RendererUnavailable(format!("{}: {error}", path.display()));
    let file = tokio::fs::File::open(path).await.map_err(broken)?;
    let mut head = Vec::with_capacity(HEAD_BYTES);
    file.take(HEAD_BYTES as u64).read_to_end(&mut head).await.map_err(broken)?;
    Kind::sniff(&head)
}

async fn answer(child: &mut Child, limits: &Limits) -> Result<(Answer, Vec<u8>), Silent> {
    let stdout = child.stdout.take().ok_or(Silent)?;
    let mut stdout = BufReader::with_capacity(64 << 10, stdout);
    let mut header = Vec::new();
    (&mut stdout).take(HEADER_BYTES_MAX).read_until(b'\n', &mut header).await.map_err(|_| Silent)?;
    let answer: Answer = serde_json::from_slice(&header).map_err(|_| Silent)?;
    let Answer::Rendered { width, height, color, .. } = &answer else { return Ok((answer, Vec::new())) };
    if !limits.admit(*width, *height) {
        return Err(Silent);
    }
    let pixels = pixels(&mut stdout, *width as usize * *height as usize * color.channels()).await?;
    Ok((answer, pixels))
}

async fn pixels(stdout: &mut (impl AsyncRead + Unpin), bytes: usize) -> Result<Vec<u8>, Silent> {
    let mut pixels = vec![0; bytes];
    stdout.read_exact(&mut pixels).await.map_err(|_| Silent)?;
    Ok(pixels)
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

fn nonsense(reason: &str) -> DocumentError {
    DocumentError::RendererCrashed { what: "the answer".to_owned(), reason: reason.to_owned() }
}
