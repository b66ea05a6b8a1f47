//! Step `upload-result`: the pages become one document, the document becomes
//! its formats, the formats become objects.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::DateTime;
use serde::{Deserialize, Serialize};
use serde_json::{from_value, to_value};
use untxt_engine::decide::Done;
use untxt_engine::error::StepError;
use untxt_engine::journal::ItemOutput;
use untxt_engine::state::ItemStatus;
use untxt_engine::step::{Step, StepContext, StepOutput};

use super::download::Downloaded;
use super::input::TaskInput;
use super::{failure, position, reading};
use crate::documents::formats::Format;
use crate::documents::model::{Document, Page};
use crate::objects::keys;
use crate::workbench::Workbench;

/// Pages that are read from the journal at once: each may be as large as an
/// engine's answer.
const PAGES_AT_ONCE: u32 = 16;

/// What the step returns; also what `tasks.result` shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResultSummary {
    /// Where the first format lies.
    pub s3_result_key: String,
    /// Characters of text.
    pub text_length: usize,
    /// Mean over the words that have one, 0..1; null when none has.
    pub confidence: Option<f32>,
    /// What that number is worth.
    pub confidence_kind: String,
    /// Pages in the result.
    pub pages: usize,
    /// Pages that could not be recognised, from 1.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed_pages: Vec<u32>,
    /// Whether the engine made the text up.
    pub simulated: bool,
    /// Objects, in the order of the formats.
    pub objects: Vec<ResultObject>,
}

/// One format of a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultObject {
    /// Which.
    pub format: Format,
    /// Where it lies.
    pub key: String,
    /// Bytes.
    pub size_bytes: u64,
    /// SHA-256, hexadecimal.
    pub sha256: String,
}

pub(super) struct UploadResult(pub(super) Arc<Workbench>);

#[async_trait]
impl Step for UploadResult {
    async fn run(&self, context: &StepContext) -> Result<StepOutput, StepError> {
        let input = TaskInput::of(&context.run)?;
        let document = self.document(context, &input).await?;
        let objects = self.upload(&input, &document).await?;
        let summary = summary(&document, objects)?;
        let output = to_value(summary).map_err(|e| StepError::permanent("OUTPUT", e.to_string()))?;
        Ok(StepOutput { done: Done { output, items: None }, rows: Vec::new() })
    }
}

impl UploadResult {
    async fn document(&self, context: &StepContext, input: &TaskInput) -> Result<Document, StepError> {
        let downloaded = Downloaded::of(context)?;
        let mut pages = Vec::new();
        for from in (0..context.run.items.total).step_by(PAGES_AT_ONCE as usize) {
            let items = self.0.journal.items(context.run.id, position::RECOGNIZE, from, PAGES_AT_ONCE).await;
            for item in items.map_err(|e| failure::of_journal(&e))? {
                pages.push(page(item, &downloaded)?);
            }
        }
        Ok(reading::document(pages, &input.engine))
    }

    async fn upload(&self, input: &TaskInput, document: &Document) -> Result<Vec<ResultObject>, StepError> {
        let file = &input.file;
        let month = DateTime::from_timestamp_millis(file.uploaded_at_ms).unwrap_or_default();
        let mut objects = Vec::new();
        for &format in &input.formats {
            let body = Bytes::from(format.render(document, &file.name));
            let key = keys::result_key(file.user, month, file.id, format.extension());
            let stored = self.0.objects.put_bytes(&key, format.content_type(), body).await;
            let stored = stored.map_err(|e| failure::of_object(&e))?;
            objects.push(ResultObject { format, key, size_bytes: stored.size_bytes, sha256: stored.sha256 });
        }
        Ok(objects)
    }
}

fn page(item: ItemOutput, downloaded: &Downloaded) -> Result<Page, StepError> {
    if item.state.status == ItemStatus::Failed {
        let index = downloaded.page(item.state.index);
        return Ok(reading::failed_page(index, item.state.error, item.state.attempts.made));
    }
    from_value(item.output).map_err(|error| {
        StepError::permanent("PAGE_UNREADABLE", format!("the stored page {}: {error}", item.state.index + 1))
    })
}

fn summary(document: &Document, objects: Vec<ResultObject>) -> Result<ResultSummary, StepError> {
    let first =
        objects.first().ok_or_else(|| StepError::permanent("NO_FORMAT", "the task asks for no format"))?;
    Ok(ResultSummary {
        s3_result_key: first.key.clone(),
        text_length: document.text_length(),
        confidence: document.confidence(),
        confidence_kind: document.confidence_kind().as_str().to_owned(),
        pages: document.pages.len(),
        failed_pages: document.failed_pages(),
        simulated: document.engine.simulated,
        objects,
    })
}
