//! Step `download`: the file is here, it is what was uploaded, and it has
//! pages.

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::to_value;
use untxt_engine::error::StepError;
use untxt_engine::state::RunState;
use untxt_engine::step::{Step, StepContext, StepOutput};

use super::steps::{DOWNLOAD, definition};
use crate::documents::pages::{PageRange, PageRangeError};
use crate::resources::Resources;
use crate::step_error;
use crate::task_input::TaskInput;

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
    /// The range that was asked for; all pages when absent. It is the run's input.
    #[serde(skip)]
    range: Option<PageRange>,
}

impl Downloaded {
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
            None => Self { page_count: 0, chosen: None, range },
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
        let path = self.0.local_copy(context.run.id, &input.file).await?;
        let renderer = self.0.renderer.for_tenant(&context.run.tenant);
        let probe = renderer.probe(&path).await.map_err(|e| step_error::of_document(&e))?;
        let chosen = input.pages.as_deref().map(|range| pages(range, probe.pages)).transpose()?;
        let items = chosen.map_or(probe.pages, |pages| u32::try_from(pages.len()).unwrap_or(u32::MAX));
        let downloaded = Downloaded { page_count: probe.pages, chosen: None, range: None };
        let output = to_value(downloaded).map_err(|e| StepError::permanent("OUTPUT", e.to_string()))?;
        Ok(StepOutput::new(output).with_items(items))
    }
}

fn pages(range: &str, page_count: u32) -> Result<Vec<u32>, StepError> {
    let parsed = PageRange::parse(range).map_err(|e| StepError::permanent("INVALID_PAGES", e.to_string()))?;
    parsed.indexes(page_count).map_err(|e| StepError::permanent("INVALID_PAGES", e.to_string()))
}
