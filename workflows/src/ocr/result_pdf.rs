//! The searchable PDF of a document: written by a child process to a file on this
//! machine, from the document's file and its pages' results, and read from there.

use std::path::PathBuf;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, TryStreamExt};
use tokio::fs::File;
use tokio::io::{AsyncWriteExt, BufWriter};
use tokio_util::io::ReaderStream;
use untxt_engine::error::StepError;

use super::result_body::{Pages, json_lines};
use crate::documents::renderer::{SearchablePdf, WRITING_OF_PAGE};
use crate::resources::Resources;
use crate::step_error;
use crate::task_input::TaskInput;

/// Bytes that are read at once of a file that is stored.
const READ_BYTES: usize = 256 << 10;

/// A PDF that is to be written.
pub(super) struct ResultPdf<'a> {
    pub(super) resources: &'a Resources,
    pub(super) input: &'a TaskInput,
    pub(super) pages: &'a Pages,
    pub(super) archival: bool,
}

impl ResultPdf<'_> {
    /// Writes it; the bytes are those of a file that is whole.
    pub(super) async fn write(
        &self,
    ) -> Result<impl Stream<Item = Result<Bytes, std::io::Error>> + Send + use<>, StepError> {
        let Self { resources, input, pages, archival } = self;
        let run = pages.run();
        let document = resources.local_copy(run, &input.file).await?;
        let recognized = self.write_pages().await?;
        let task = SearchablePdf {
            pages: recognized,
            archival: *archival,
            title: input.file.name.clone(),
            identity: input.file.sha256.clone(),
            made_at_ms: input.file.uploaded_at_ms,
        };
        // As large as the document, if its pages stay as they are.
        self.check_room(input.file.size_bytes).await?;

        let budgets = &resources.decode_budgets;
        let allowance = budgets.allowance(run).await.map_err(|e| step_error::of_budget(&e))?;
        let renderer = resources.renderer.for_tenant(pages.tenant()).within(allowance);
        let (to, mut took) = (self.path("pdf"), Duration::ZERO);
        let written = renderer.write_pdf(&document, task, pages.total(), &to, &mut took).await;
        let usual = WRITING_OF_PAGE * pages.total();
        let charged = budgets.charge(run, took.saturating_sub(usual)).await;
        charged.map_err(|e| step_error::of_database(&e))?;
        written.map_err(|e| step_error::of_document(&e))?;
        let file = File::open(&to).await.map_err(|e| step_error::of_disk("read the PDF", &e))?;
        Ok(ReaderStream::with_capacity(file, READ_BYTES))
    }

    /// Takes the files away that were needed for it. What stays goes with the task.
    pub(super) async fn clear(&self) {
        for path in [self.path("pages"), self.path("pdf")] {
            if let Err(error) = tokio::fs::remove_file(&path).await {
                tracing::debug!(path = %path.display(), %error, "can't remove a file; it goes with its task");
            }
        }
    }

    /// Writes what the child reads of the pages.
    async fn write_pages(&self) -> Result<PathBuf, StepError> {
        let path = self.path("pages");
        let failed = |e: std::io::Error| step_error::of_disk("write the pages for the PDF", &e);
        let mut file = BufWriter::new(File::create(&path).await.map_err(failed)?);
        let mut lines = pin!(json_lines(self.pages));
        while let Some(bytes) = lines.try_next().await? {
            self.check_room(bytes.len() as u64).await?;
            file.write_all(&bytes).await.map_err(failed)?;
        }
        file.flush().await.map_err(failed)?;
        Ok(path)
    }

    async fn check_room(&self, bytes: u64) -> Result<(), StepError> {
        let checked = self.resources.temp_dirs.disk_space().check(bytes).await;
        let checked = checked.map_err(|e| step_error::of_disk("ask for the PDF's room", &e))?;
        checked.map(drop).map_err(|e| step_error::of_full_disk(&e))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.resources.temp_dirs.of_task(self.pages.run()).join(name)
    }
}
