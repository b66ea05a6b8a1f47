//! Step `download`: the file is here, it is what was uploaded or is fetched from its URL,
//! and it has pages.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::Utc;
use sea_orm::sea_query::{Expr, ExprTrait, Query, UpdateStatement};
use serde::{Deserialize, Serialize};
use serde_json::to_value;
use untxt_engine::error::{Budget, StepError};
use untxt_engine::state::RunState;
use untxt_engine::step::{Step, StepContext, StepOutput};
use uuid::Uuid;

use super::steps::{DOWNLOAD, definition};
use crate::boxed;
use crate::documents::pages::{PageRange, PageRangeError};
use crate::entities::file;
use crate::objects::Stored;
use crate::resources::Resources;
use crate::step_error;
use crate::task_input::{FileInput, TaskInput};

/// What the step returns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Downloaded {
    /// Pages the document has.
    pub(crate) page_count: u32,
    /// Those that are to be recognised, from 0, as runs have it that began under
    /// an earlier program; today each page finds itself in the range that was asked
    /// for, as the list would be read with every page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) chosen: Option<Vec<u32>>,
    /// The file, if it was fetched from a URL; an uploaded one is in the run's input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) fetched: Option<FetchedFile>,
    /// The range that was asked for; all pages when absent. It is the run's input.
    #[serde(skip)]
    range: Option<PageRange>,
}

/// A file that was fetched from a URL and stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FetchedFile {
    /// SHA-256, hexadecimal.
    pub(crate) sha256: String,
    /// Bytes.
    pub(crate) size_bytes: u64,
    /// By its first bytes.
    pub(crate) mime_type: String,
}

impl Downloaded {
    /// The file of a run with this input, as it is in the store.
    pub(crate) fn file(&self, input: &TaskInput) -> FileInput {
        match &self.fetched {
            Some(fetched) => fetched.file(&input.file),
            None => input.file.clone(),
        }
    }

    /// What the step of this run returned.
    pub(crate) fn of(context: &StepContext) -> Result<Self, StepError> {
        let unreadable = |what, error: &dyn std::fmt::Display| {
            StepError::permanent("INPUT_UNREADABLE", format!("{what}: {error}"))
        };
        let read = Self::deserialize(context.output_of(DOWNLOAD)?)
            .map_err(|e| unreadable("download's output", &e))?;
        let range = range(&context.run).transpose().map_err(|e| unreadable("the range of pages", &e))?;
        Ok(Self { range, ..read })
    }

    /// What the step of `run` returned, or will return as far as its input tells.
    pub(crate) fn in_run(run: &RunState) -> Self {
        let range = range(run).and_then(Result::ok);
        match Self::deserialize(run.output_of(definition(), DOWNLOAD)).ok() {
            Some(read) => Self { range, ..read },
            None => Self { page_count: 0, chosen: None, fetched: None, range },
        }
    }

    /// The page that item `index` stands for.
    pub(crate) fn page(&self, index: u32) -> u32 {
        match (&self.chosen, &self.range) {
            (Some(pages), _) => pages.get(index as usize).copied(),
            (None, Some(range)) => range.nth(index),
            (None, None) => None,
        }
        .unwrap_or(index)
    }

    /// The first item that stands for `page` or for one behind it.
    pub(crate) fn first_from(&self, page: u32) -> u32 {
        match (&self.chosen, &self.range) {
            (Some(pages), _) => {
                u32::try_from(pages.partition_point(|known| *known < page)).unwrap_or(u32::MAX)
            }
            (None, Some(range)) => range.before(page),
            (None, None) => page,
        }
    }
}

/// The range of pages that `run` was asked for; `None` if for all.
fn range(run: &RunState) -> Option<Result<PageRange, PageRangeError>> {
    run.input["pages"].as_str().map(PageRange::parse)
}

pub(super) struct Download(pub(super) Arc<Resources>);

#[async_trait]
impl Step for Download {
    async fn run(&self, context: StepContext) -> Result<StepOutput, StepError> {
        let input = TaskInput::of(&context.run)?;
        let fetched = match &input.file.url {
            Some(url) => Some(self.fetch(&context, &input.file.key, url).await?),
            None => None,
        };
        let file = fetched.as_ref().map_or_else(|| input.file.clone(), |fetched| fetched.file(&input.file));
        let path = self.0.local_copy(context.run.id, &file).await?;
        let renderer = self.0.renderer.for_tenant(&context.run.tenant);
        let probe = renderer.probe(&path).await.map_err(|e| step_error::of_document(&e))?;
        let chosen = input.pages.as_deref().map(|range| pages(range, probe.pages)).transpose()?;
        let items = chosen.map_or(probe.pages, |pages| u32::try_from(pages.len()).unwrap_or(u32::MAX));
        let rows = fetched.iter().map(|fetched| file_row(file.id, fetched).into()).collect();
        let downloaded = Downloaded { page_count: probe.pages, chosen: None, fetched, range: None };
        let output = to_value(downloaded).map_err(|e| StepError::permanent("OUTPUT", e.to_string()))?;
        Ok(StepOutput::new(output).with_items(items).with_rows(rows))
    }
}

impl FetchedFile {
    /// `file`, of which this is now known.
    fn file(&self, file: &FileInput) -> FileInput {
        FileInput { sha256: self.sha256.clone(), size_bytes: self.size_bytes, ..file.clone() }
    }
}

impl Download {
    /// Fetches the document and stores it; one that an earlier attempt stored is neither
    /// fetched again nor replaced.
    #[boxed]
    async fn fetch(&self, context: &StepContext, key: &str, url: &str) -> Result<FetchedFile, StepError> {
        if let Some((stored, mime_type)) = self.0.stored_earlier(context.run.id, key).await? {
            let Stored { sha256, size_bytes } = stored;
            return Ok(FetchedFile { sha256, size_bytes, mime_type: mime_type.unwrap_or_default() });
        }
        let Resources { objects, temp_dirs, fetch, .. } = &*self.0;
        let fetched = context.cancel.run_until_cancelled(fetch.fetch(url, temp_dirs)).await;
        let spooled = fetched.unwrap_or_else(|| Err(unwanted()))?;
        let (mime_type, size_bytes) = (spooled.kind.mime(), spooled.size_bytes);
        let put = Box::pin(objects.put_file(key, mime_type, spooled.path(), size_bytes));
        let stored = context.cancel.run_until_cancelled(put).await;
        stored.ok_or_else(unwanted)?.map_err(|e| step_error::of_object(&e))?;
        Ok(FetchedFile { sha256: spooled.sha256.clone(), size_bytes, mime_type: mime_type.to_owned() })
    }
}

/// A step that is cancelled; nobody sees how it failed.
fn unwanted() -> StepError {
    StepError::retry(Budget::Transport, "CANCELLED", "the step was cancelled")
}

/// What is now known of a file that was fetched.
fn file_row(id: Uuid, fetched: &FetchedFile) -> UpdateStatement {
    Query::update()
        .table(file::Entity)
        .value(file::Column::FileHash, fetched.sha256.as_str())
        .value(file::Column::FileSize, i64::try_from(fetched.size_bytes).ok())
        .value(file::Column::MimeType, fetched.mime_type.as_str())
        .value(file::Column::UpdatedAt, Utc::now())
        .and_where(Expr::col(file::Column::Id).eq(id))
        .to_owned()
}

fn pages(range: &str, page_count: u32) -> Result<Vec<u32>, StepError> {
    let parsed = PageRange::parse(range).map_err(|e| StepError::permanent("INVALID_PAGES", e.to_string()))?;
    parsed.indexes(page_count).map_err(|e| StepError::permanent("INVALID_PAGES", e.to_string()))
}
