//! Decoding and rasterising, in a process that can be ended.
//!
//! A PDF may be built so that it never ends, and a thread can't be ended; so
//! documents are read by a child (the program itself with a hidden argument)
//! with bounds of its own, which is killed at the deadline. Pages are made by a
//! child each, and what it held goes with it; one that found nothing wrong with
//! a document may look at another. Its answer is not trusted: sizes are checked
//! before memory is given.

pub mod child;
mod density;
mod pdf;
mod picture;
mod process;
mod protocol;
mod spares;
mod text;
mod tiff_colors;
mod tiff_fields;
mod tiff_pages;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::fs::File;
use tokio::io::AsyncReadExt;

use super::error::DocumentError;
use super::kind::{HEAD_BYTES, Kind};
use super::limits::Limits;
use process::ask_once;
use protocol::{Answer, ChildLimits, Request, Task};
use spares::Spares;

pub use protocol::{Color, Pixels, Probe, RenderOptions, RenderedPage, TextLine, TextWord};

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
    spares: Arc<Spares>,
}

impl Renderer {
    /// A renderer that starts the child as `config` says.
    #[must_use]
    pub fn new(config: RendererConfig) -> Self {
        Self { config, spares: Arc::default() }
    }

    /// Kind and number of pages of the file at `path`.
    ///
    /// # Errors
    /// [`DocumentError::Empty`], `UnsupportedType`, `TooLarge`, `Encrypted`,
    /// `Broken`, `NoPages`, `TooManyPages`, `PageTooLarge` (for pictures, whose
    /// header tells), or what ended the child: `Timeout`, `Memory`,
    /// `RendererCrashed`, `RendererUnavailable`.
    pub async fn probe(&self, path: &Path) -> Result<Probe, DocumentError> {
        let kind = self.sniff(path).await?;
        let what = format!("looking at the {}", kind.mime());
        let request = self.request(path, kind, Task::Probe);
        match self.spares.probe(&self.config, &request, &what).await? {
            Answer::Probed { pages: 0 } => Err(DocumentError::NoPages),
            Answer::Probed { pages } if pages > self.config.limits.pages_max => {
                Err(DocumentError::TooManyPages { pages, pages_max: self.config.limits.pages_max })
            }
            Answer::Probed { pages } => Ok(Probe { kind, pages }),
            Answer::Failed(error) => Err(error),
            Answer::Rendered { .. } => Err(nonsense("another answer than was asked for")),
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
        path: &Path,
        index: u32,
        options: RenderOptions,
    ) -> Result<RenderedPage, DocumentError> {
        let kind = self.sniff(path).await?;
        let dpi = options.dpi.clamp(*RenderOptions::DPI.start(), *RenderOptions::DPI.end());
        let options = RenderOptions { dpi, ..options };
        let what = format!("page {} of the {} at {dpi} dpi", index.saturating_add(1), kind.mime());
        let request = self.request(path, kind, Task::Render { index, options });
        let (answer, pixels) = ask_once(&self.config, &request, &what).await?;
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

    fn request(&self, path: &Path, kind: Kind, task: Task) -> Request {
        Request { path: path.to_owned(), kind, task, limits: ChildLimits::from(&self.config.limits) }
    }

    async fn sniff(&self, path: &Path) -> Result<Kind, DocumentError> {
        let unreadable = |error: std::io::Error| {
            DocumentError::RendererUnavailable(format!("{}: {error}", path.display()))
        };
        let file = File::open(path).await.map_err(unreadable)?;
        let size_bytes = file.metadata().await.map_err(unreadable)?.len();
        let size_bytes_max = self.config.limits.document_bytes_max;
        if size_bytes > size_bytes_max {
            return Err(DocumentError::TooLarge { size_bytes, size_bytes_max });
        }
        let mut head = Vec::with_capacity(HEAD_BYTES);
        file.take(HEAD_BYTES as u64).read_to_end(&mut head).await.map_err(unreadable)?;
        Kind::sniff(&head)
    }
}

fn nonsense(reason: &str) -> DocumentError {
    DocumentError::RendererCrashed { what: "the answer".to_owned(), reason: reason.to_owned() }
}
