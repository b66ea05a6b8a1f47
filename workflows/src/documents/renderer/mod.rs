//! Decoding and rasterising, in a process that can be ended.
//!
//! A PDF may be built so that it never ends, and a thread can't be ended; so
//! documents are read by a child (the program itself with a hidden argument)
//! with bounds of its own, which is killed at the deadline. One that found nothing
//! wrong with a document may be asked about another: to look at anybody's, to render
//! or write another one of the same tenant. Its answer is not trusted: sizes are
//! checked before memory is given. There are so many children at once; tenants take
//! turns.

pub mod child;
mod config;
mod decoder_pool;
mod density;
mod document;
mod fair_pool;
#[doc(hidden)]
pub mod fuzzing;
mod heif;
mod libheif;
mod pdf;
mod pdf_canvas;
mod pdf_fields;
mod pdf_flate;
mod pdf_losses;
mod pdf_overlay;
mod pdf_pictures;
mod picture;
mod process;
mod protocol;
mod searchable;
mod text;
mod tiff_colors;
mod tiff_fax;
mod tiff_fields;
mod tiff_kinds;
mod tiff_pages;
mod tiff_strips;
mod whole;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::fs::File;
use tokio::io::AsyncReadExt;

use super::error::DocumentError;
use super::kind::Kind;
use super::limits::Limits;
use super::sniff::{HEAD_BYTES, sniff};
use decoder_pool::{Caller, DecoderPool, Serves};
use document::Document;
use process::Question;
use protocol::{Answer, ChildLimits, Request, Task};

pub use config::RendererConfig;
pub use document::DocumentFile;
pub(crate) use fair_pool::FairPool;
pub use protocol::{Color, Pixels, Probe, RenderOptions, RenderedPage, TextLine, TextWord};
pub use searchable::SearchablePdf;

/// Looks at once. They have places of their own: a page may hold its place until
/// its deadline, and a client that has sent a file waits for the look. Four look
/// at hundreds of sound documents a second.
const LOOKS_AT_ONCE: usize = 4;

/// Pages that are drawn at once for people who look at them. They have places of their
/// own: a person waits for them, and recognition must not wait for persons. Two draw a
/// dozen common pages a second.
pub(crate) const VIEWS_AT_ONCE: usize = 2;

/// A child that renders ends when nothing was asked of it in this time: it may hold a
/// file in memory.
const RENDERS_AGAIN_WITHIN: Duration = Duration::from_secs(10);

/// What each page may take when a PDF is written of them: one that is a picture is
/// drawn and packed in less.
pub const WRITING_OF_PAGE: Duration = Duration::from_secs(1);

/// What all of them may take: less than the step that waits for them, and than the
/// CPU time of one child.
const WRITING_MAX: Duration = Duration::from_secs(50 * 60);

/// Turns files into page images. Clones share their children.
#[derive(Clone, Debug)]
pub struct Renderer {
    shared: Arc<Shared>,
    caller: Caller,
    deadline: Duration,
}

#[derive(Debug)]
struct Shared {
    config: RendererConfig,
    looks: DecoderPool,
    pages: DecoderPool,
    views: DecoderPool,
}

impl Renderer {
    /// A renderer that starts children as `config` says.
    #[must_use]
    pub fn new(config: RendererConfig) -> Self {
        let deadline = config.limits.deadline;
        let looks = DecoderPool::new(LOOKS_AT_ONCE, Serves::Everybody);
        let pages = DecoderPool::new(config.pages_at_once.max(1), Serves::OneTenant);
        let views = DecoderPool::new(VIEWS_AT_ONCE, Serves::OneTenant);
        let caller = Caller { tenant: Arc::from(""), patience: None };
        Self { shared: Arc::new(Shared { config, looks, pages, views }), caller, deadline }
    }

    /// The same for work of `tenant`: tenants take turns.
    #[must_use]
    pub fn for_tenant(&self, tenant: &str) -> Self {
        Self { caller: Caller { tenant: Arc::from(tenant), ..self.caller.clone() }, ..self.clone() }
    }

    /// The same for a caller that waits no longer than `patience` for a child, and
    /// not at all when too many wait already.
    #[must_use]
    pub fn patient_for(&self, patience: Duration) -> Self {
        Self { caller: Caller { patience: Some(patience), ..self.caller.clone() }, ..self.clone() }
    }

    /// The same, with a deadline that is no later than the one of its limits.
    #[must_use]
    pub fn within(&self, deadline: Duration) -> Self {
        Self { deadline: deadline.min(self.deadline), ..self.clone() }
    }

    /// How long a page may take.
    #[must_use]
    pub fn deadline(&self) -> Duration {
        self.deadline
    }

    /// Kind and number of pages of a document.
    ///
    /// # Errors
    /// [`DocumentError::Empty`], `UnsupportedType`, `TooLarge`, `Encrypted`,
    /// `Broken`, `NoPages`, `TooManyPages`, `PageTooLarge` (for pictures, whose
    /// header tells), or what ended the child: `Timeout`, `Memory`,
    /// `RendererCrashed`, `RendererUnavailable`; `Busy` for a caller whose
    /// patience is over.
    pub async fn probe(&self, file: impl Into<DocumentFile>) -> Result<Probe, DocumentError> {
        let (kind, document) = self.sniff(&file.into()).await?;
        let what = format!("looking at the {}", kind.mime());
        let mut question = self.question(document, kind, Task::Probe, &what);
        let Shared { config, looks, .. } = &*self.shared;
        let mut cost = Duration::ZERO;
        match looks.ask(config, &self.caller, &mut question, &mut cost).await?.0 {
            Answer::Probed { pages: 0 } => Err(DocumentError::NoPages),
            Answer::Probed { pages } if pages > config.limits.pages_max => {
                Err(DocumentError::TooManyPages { pages, pages_max: config.limits.pages_max })
            }
            Answer::Probed { pages } => Ok(Probe { kind, pages }),
            Answer::Failed(error) => Err(error),
            Answer::Rendered { .. } | Answer::Part { .. } | Answer::Written => Err(nonsense()),
        }
    }

    /// The page at `index` (from 0) as pixels, with the text it carries. A
    /// resolution outside of [`RenderOptions::DPI`] is taken for the nearest
    /// within.
    ///
    /// Dropping the future ends the child.
    ///
    /// # Errors
    /// As [`Renderer::probe`], and [`DocumentError::PageOutOfRange`],
    /// `PageTooLarge` and `PageBroken`.
    pub async fn render(
        &self,
        file: impl Into<DocumentFile>,
        index: u32,
        options: RenderOptions,
    ) -> Result<RenderedPage, DocumentError> {
        let mut cost = Duration::ZERO;
        self.render_at_cost(file, index, options, &mut cost).await
    }

    /// The same. What it took, whatever came of it, is added to `cost`: CPU time
    /// of children, or all of the deadline when that was over.
    ///
    /// # Errors
    /// As [`Renderer::render`].
    pub async fn render_at_cost(
        &self,
        file: impl Into<DocumentFile>,
        index: u32,
        options: RenderOptions,
        cost: &mut Duration,
    ) -> Result<RenderedPage, DocumentError> {
        self.render_in(&self.shared.pages, file.into(), index, options, cost).await
    }

    /// The same for somebody who looks at the page: it takes none of the places that
    /// recognition has.
    ///
    /// # Errors
    /// As [`Renderer::render`].
    pub async fn view_at_cost(
        &self,
        file: impl Into<DocumentFile>,
        index: u32,
        options: RenderOptions,
        cost: &mut Duration,
    ) -> Result<RenderedPage, DocumentError> {
        self.render_in(&self.shared.views, file.into(), index, options, cost).await
    }

    async fn render_in(
        &self,
        pool: &DecoderPool,
        file: DocumentFile,
        index: u32,
        options: RenderOptions,
        cost: &mut Duration,
    ) -> Result<RenderedPage, DocumentError> {
        let (kind, document) = self.sniff(&file).await?;
        let dpi = options.dpi.clamp(*RenderOptions::DPI.start(), *RenderOptions::DPI.end());
        let options = RenderOptions { dpi, ..options };
        let what = format!("page {} of the {} at {dpi} dpi", index.saturating_add(1), kind.mime());
        let mut question = self.question(document, kind, Task::Render { index, options }, &what);
        let config = &self.shared.config;
        let (answer, pixels) = pool.ask(config, &self.caller, &mut question, cost).await?;
        match answer {
            Answer::Rendered { width, height, dpi, color, text_layer, warnings, stays_open: _ } => {
                let pixels = match color {
                    Color::Gray => Pixels::Luma8(pixels),
                    Color::Rgb => Pixels::Rgb8(pixels),
                };
                Ok(RenderedPage { width, height, dpi, pixels, text_layer, warnings })
            }
            Answer::Failed(error) => Err(error),
            Answer::Probed { .. } | Answer::Part { .. } | Answer::Written => Err(nonsense()),
        }
    }

    /// Writes the searchable PDF of a document to `to`, with `pages` pages. It
    /// may take [`Renderer::deadline`] and [`WRITING_OF_PAGE`] for each of them. The
    /// same document and task give the same bytes.
    ///
    /// What it took is added to `cost`, as by [`Renderer::render_at_cost`]. Dropping
    /// the future ends the child.
    ///
    /// # Errors
    /// As [`Renderer::render`], and [`DocumentError::ResultTooLarge`]. What is in `to`
    /// then is nothing whole.
    pub async fn write_pdf(
        &self,
        file: impl Into<DocumentFile>,
        task: SearchablePdf,
        pages: u32,
        to: &Path,
        cost: &mut Duration,
    ) -> Result<(), DocumentError> {
        let (kind, document) = self.sniff(&file.into()).await?;
        let what = format!("the searchable PDF of the {}, {pages} pages", kind.mime());
        let deadline = (self.deadline + WRITING_OF_PAGE * pages).min(WRITING_MAX);
        let file = File::create(to).await.map_err(|error| {
            DocumentError::RendererUnavailable(format!("its output {}: {error}", to.display()))
        })?;
        let mut question = self.question(document, kind, Task::Write(task), &what);
        question.limits.deadline = deadline;
        question.request.limits = ChildLimits::from(&question.limits);
        question.written_to = Some(file);
        let Shared { config, pages, .. } = &*self.shared;
        match pages.ask(config, &self.caller, &mut question, cost).await?.0 {
            Answer::Written => Ok(()),
            Answer::Failed(error) => Err(error),
            Answer::Probed { .. } | Answer::Rendered { .. } | Answer::Part { .. } => Err(nonsense()),
        }
    }

    /// Ends the children that wait with a document under `dir` open.
    pub fn close(&self, dir: &Path) {
        for pool in [&self.shared.pages, &self.shared.views] {
            pool.end_open(|document| document.path().starts_with(dir));
        }
    }

    /// Ends the children that render and have waited too long for another request.
    pub fn close_unused(&self) {
        for pool in [&self.shared.pages, &self.shared.views] {
            pool.end_idle(RENDERS_AGAIN_WITHIN);
        }
    }

    fn question<'a>(&self, document: Document, kind: Kind, task: Task, what: &'a str) -> Question<'a> {
        let limits = Limits { deadline: self.deadline, ..self.shared.config.limits };
        let request = Request { document, kind, task, limits: ChildLimits::from(&limits) };
        Question { request, limits, what, written_to: None }
    }

    async fn sniff(&self, of: &DocumentFile) -> Result<(Kind, Document), DocumentError> {
        let unreadable = |error: std::io::Error| {
            DocumentError::RendererUnavailable(format!("{}: {error}", of.path().display()))
        };
        let file = File::open(of.path()).await.map_err(unreadable)?;
        let document = Document::new(of, &file.metadata().await.map_err(unreadable)?);
        let size_bytes = document.size_bytes();
        let size_bytes_max = self.shared.config.limits.document_bytes_max;
        if size_bytes > size_bytes_max {
            return Err(DocumentError::TooLarge { size_bytes, size_bytes_max });
        }
        let mut head = Vec::with_capacity(HEAD_BYTES);
        file.take(size_bytes.min(HEAD_BYTES as u64)).read_to_end(&mut head).await.map_err(unreadable)?;
        Ok((sniff(&head)?, document))
    }
}

fn nonsense() -> DocumentError {
    let reason = "another answer than was asked for".to_owned();
    DocumentError::RendererCrashed { what: "the answer".to_owned(), reason }
}
