//! The document in a format, as a body for the store. Nothing here grows with the
//! number of pages: they are read from the journal a few at a time, once for the
//! figures that stand before them and once a format.

use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use serde_json::from_value;
use untxt_engine::error::StepError;
use untxt_engine::id::RunId;
use untxt_engine::state::{ItemOutput, ItemStatus};
use untxt_engine::step::StepContext;

use super::download::Downloaded;
use super::page_result;
use super::steps::RECOGNIZE;
use crate::archive::{self, ArchiveError, ArchiveFile};
use crate::documents::figures::Figures;
use crate::documents::formats::{Format, Outline, TextWriter};
use crate::documents::model::{Engine, Page};
use crate::task_input::TaskInput;

/// Pages that are in memory at once: each may be as large as an engine's answer,
/// 12 MiB, and several times that while it is taken apart.
const PAGES_AT_ONCE: u32 = 4;

/// The document in a format, a few pages at a time.
pub(super) fn text<'a>(
    writer: TextWriter,
    whole: &'a Arc<Whole>,
    pages: &'a Pages,
) -> impl Stream<Item = Result<Bytes, StepError>> + Send + 'a {
    let head = writer.head(&whole.outline());
    let middle = stream::try_unfold(0, move |from| async move {
        if from >= pages.total {
            return Ok(None);
        }
        let written = written(writer, whole, pages.read(from).await?).await?;
        let mut text = String::new();
        for (number, page) in (from..).zip(written) {
            if number > 0 {
                text.push_str(writer.between());
            }
            text.push_str(&page.text);
        }
        Ok(Some((Bytes::from(text), from + PAGES_AT_ONCE)))
    });
    let tail = writer.tail(&whole.outline());
    let once = |text: String| stream::iter([Ok(Bytes::from(text))]);
    once(head).chain(middle).chain(once(tail))
}

/// The document as an archive with a file for each page, a few pages at a time.
pub(super) fn archive<'a>(
    writer: TextWriter,
    whole: &'a Arc<Whole>,
    pages: &'a Pages,
) -> impl Stream<Item = Result<Bytes, StepError>> + Send + 'a {
    let runs = stream::try_unfold(0, move |from| async move {
        if from >= pages.total {
            return Ok(None);
        }
        let written = written(writer, whole, pages.read(from).await?).await?;
        let files = written.into_iter().map(|page| Ok::<_, StepError>(page.into_file()));
        Ok(Some((stream::iter(files), from + PAGES_AT_ONCE)))
    });
    archive::zip(runs.try_flatten(), whole.made_at).map_err(move |error| match error {
        ArchiveError::File(failure) => failure,
        ArchiveError::Format(error) => {
            StepError::permanent("FORMAT_FAILED", format!("writing the archive: {error}"))
        }
    })
}

/// The pages as JSON, each on a line of its own, a few at a time.
pub(super) fn json_lines(pages: &Pages) -> impl Stream<Item = Result<Bytes, StepError>> + Send + '_ {
    stream::try_unfold(0, move |from| async move {
        if from >= pages.total {
            return Ok(None);
        }
        let items = pages.read(from).await?;
        let line = |item: PageItem| -> Result<String, StepError> {
            let page = Page { html: None, ..item.page()? };
            let json = serde_json::to_string(&page);
            Ok(json.map_err(|e| StepError::permanent("OUTPUT", e.to_string()))? + "\n")
        };
        let lines =
            tokio::task::spawn_blocking(move || items.into_iter().map(line).collect::<Result<String, _>>());
        let lines = lines.await.map_err(|e| StepError::permanent("OUTPUT", e.to_string()))??;
        Ok(Some((Bytes::from(lines), from + PAGES_AT_ONCE)))
    })
}

/// A page in a format.
struct Written {
    index: u32,
    text: String,
}

impl Written {
    fn into_file(self) -> ArchiveFile<impl Stream<Item = Result<Bytes, StepError>> + Send> {
        let body = stream::iter([Ok(Bytes::from(self.text))]);
        ArchiveFile { name: Format::page_name(self.index), body }
    }
}

/// The items, taken apart and written in a format. On a thread of its own: long
/// pages would hold up whatever else this one does.
async fn written(
    writer: TextWriter,
    whole: &Arc<Whole>,
    items: Vec<PageItem>,
) -> Result<Vec<Written>, StepError> {
    let whole = Arc::clone(whole);
    let write = move |item: PageItem| -> Result<Written, StepError> {
        let page = item.page()?;
        Ok(Written { index: page.index, text: writer.page(&whole.outline(), &page) })
    };
    let done = tokio::task::spawn_blocking(move || items.into_iter().map(write).collect()).await;
    done.map_err(|e| StepError::permanent("FORMAT_FAILED", format!("writing pages: {e}")))?
}

/// What is known of the document before its first page is written.
pub(super) struct Whole {
    filename: String,
    engine: Engine,
    made_at: DateTime<Utc>,
    pub(super) figures: Figures,
}

impl Whole {
    pub(super) async fn of(pages: &Pages, input: &TaskInput) -> Result<Self, StepError> {
        let mut figures = Figures::default();
        for from in (0..pages.total).step_by(PAGES_AT_ONCE as usize) {
            let items = pages.read(from).await?;
            let counted = tokio::task::spawn_blocking(move || {
                for item in items {
                    figures.add(&item.page()?);
                }
                Ok(figures)
            });
            figures = counted
                .await
                .map_err(|e| StepError::permanent("PAGE_UNREADABLE", format!("counting pages: {e}")))??;
        }
        let engine = page_result::engine(&input.engine, figures.simulated);
        let made_at = DateTime::from_timestamp_millis(input.file.uploaded_at_ms).unwrap_or_default();
        Ok(Self { filename: input.file.name.clone(), engine, made_at, figures })
    }

    fn outline(&self) -> Outline<'_> {
        let Self { filename, engine, made_at, figures } = self;
        Outline { filename, engine, made_at: *made_at, figures }
    }
}

/// The pages' results, which stay in the journal.
pub(super) struct Pages {
    context: StepContext,
    total: u32,
    downloaded: Downloaded,
}

impl Pages {
    pub(super) fn of(context: StepContext) -> Result<Self, StepError> {
        let (total, downloaded) = (context.run.items.total, Downloaded::of(&context)?);
        Ok(Self { context, total, downloaded })
    }

    pub(super) fn run(&self) -> RunId {
        self.context.run.id
    }

    pub(super) fn tenant(&self) -> &str {
        &self.context.run.tenant
    }

    pub(super) fn total(&self) -> u32 {
        self.total
    }

    /// Up to [`PAGES_AT_ONCE`] pages from item `from` on.
    async fn read(&self, from: u32) -> Result<Vec<PageItem>, StepError> {
        let items = self.context.items_of(RECOGNIZE, from, PAGES_AT_ONCE).await?;
        let item = |item: ItemOutput| PageItem { index: self.downloaded.page(item.state.index), item };
        Ok(items.into_iter().map(item).collect())
    }
}

/// The result of one page, as the journal has it.
struct PageItem {
    index: u32,
    item: ItemOutput,
}

impl PageItem {
    fn page(self) -> Result<Page, StepError> {
        let ItemOutput { state, output } = self.item;
        if state.status == ItemStatus::Failed {
            return Ok(page_result::failed_page(self.index, state.error, state.attempts.made));
        }
        from_value(output).map_err(|error| {
            StepError::permanent("PAGE_UNREADABLE", format!("the stored page {}: {error}", self.index + 1))
        })
    }
}
