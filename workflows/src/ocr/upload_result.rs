//! Step `upload-result`: each format of the document goes into the store page by
//! page. Nothing here grows with the number of pages: they are read from the
//! journal a few at a time, once for the figures that stand before them and once
//! a format.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::DateTime;
use futures_util::{Stream, StreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_json::{from_value, to_value};
use untxt_engine::error::{StepError, Verdict};
use untxt_engine::state::{ItemOutput, ItemStatus};
use untxt_engine::step::{Step, StepContext, StepOutput};

use super::download::Downloaded;
use super::input::TaskInput;
use super::{RECOGNIZE, failure, reading};
use crate::documents::figures::{Figures, PageWarning};
use crate::documents::formats::{Format, Outline};
use crate::documents::model::{Engine, Page};
use crate::objects::{ObjectError, keys};
use crate::workbench::Workbench;

/// Pages that are in memory at once: each may be as large as an engine's answer,
/// 12 MiB, and several times that while it is taken apart.
const PAGES_AT_ONCE: u32 = 4;

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
    /// The first of what could not be read of pages that otherwise were; 50 at most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<PageWarning>,
    /// How many such warnings there are.
    #[serde(default)]
    pub warning_count: usize,
    /// Whether the engine made the text up.
    pub simulated: bool,
    /// Objects, in the order of the formats.
    pub objects: Vec<ResultObject>,
    /// Formats that were asked for and could not be stored.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed_formats: Vec<FailedFormat>,
}

/// A format that could not be stored, while others could.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedFormat {
    /// Which.
    pub format: Format,
    /// Stable code of the failure.
    pub code: String,
    /// For people.
    pub message: String,
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
    async fn run(&self, context: StepContext) -> Result<StepOutput, StepError> {
        let input = TaskInput::of(&context.run)?;
        let pages = Pages::of(context)?;
        let whole = Arc::new(Whole::of(&pages, &input).await?);
        let mut stored = Outcomes::default();
        for &format in &input.formats {
            stored.add(format, self.upload(&input, format, &whole, &pages).await)?;
        }
        let summary = summary(&whole.figures, stored)?;
        let output = to_value(summary).map_err(|e| StepError::permanent("OUTPUT", e.to_string()))?;
        Ok(StepOutput::new(output))
    }
}

impl UploadResult {
    async fn upload(
        &self,
        input: &TaskInput,
        format: Format,
        whole: &Arc<Whole>,
        pages: &Pages,
    ) -> Result<ResultObject, StepError> {
        let file = &input.file;
        let month = DateTime::from_timestamp_millis(file.uploaded_at_ms).unwrap_or_default();
        let key = keys::result_key(file.user, month, file.id, format.extension());
        let body = body(format, whole, pages);
        let stored = self.0.objects.put_stream(&key, format.content_type(), body, u64::MAX).await;
        let stored = stored.map_err(verdict)?;
        Ok(ResultObject { format, key, size_bytes: stored.size_bytes, sha256: stored.sha256 })
    }
}

/// What a body reports when it breaks off is the failure of a step already.
fn verdict(error: ObjectError) -> StepError {
    match error {
        ObjectError::Body { source, at } => match source.downcast::<StepError>() {
            Ok(failure) => *failure,
            Err(source) => failure::of_object(&ObjectError::Body { source, at }),
        },
        other => failure::of_object(&other),
    }
}

/// The document in a format, a few pages at a time.
fn body<'a>(
    format: Format,
    whole: &'a Arc<Whole>,
    pages: &'a Pages,
) -> impl Stream<Item = Result<Bytes, StepError>> + Send + 'a {
    let head = format.head(&whole.outline());
    let middle = stream::try_unfold(0, move |from| async move {
        if from >= pages.total {
            return Ok(None);
        }
        let text = written(format, whole, pages.read(from).await?, from > 0).await?;
        Ok(Some((Bytes::from(text), from + PAGES_AT_ONCE)))
    });
    let tail = format.tail(&whole.outline());
    let once = |text: String| stream::iter([Ok(Bytes::from(text))]);
    once(head).chain(middle).chain(once(tail))
}

/// The items, taken apart and written in a format. On a thread of its own: long
/// pages would hold up whatever else this one does.
async fn written(
    format: Format,
    whole: &Arc<Whole>,
    items: Vec<PageItem>,
    goes_on: bool,
) -> Result<String, StepError> {
    let whole = Arc::clone(whole);
    let work = move || {
        let mut text = String::new();
        for item in items {
            if goes_on || !text.is_empty() {
                text.push_str(format.between());
            }
            text.push_str(&format.page(&whole.outline(), &item.page()?));
        }
        Ok(text)
    };
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|e| StepError::permanent("FORMAT_FAILED", format!("writing {format}: {e}")))?
}

/// What is known of the document before its first page is written.
struct Whole {
    filename: String,
    engine: Engine,
    figures: Figures,
}

impl Whole {
    async fn of(pages: &Pages, input: &TaskInput) -> Result<Self, StepError> {
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
        let engine = reading::engine(&input.engine, figures.simulated);
        Ok(Self { filename: input.file.name.clone(), engine, figures })
    }

    fn outline(&self) -> Outline<'_> {
        Outline { filename: &self.filename, engine: &self.engine, figures: &self.figures }
    }
}

/// The pages' results, which stay in the journal.
struct Pages {
    context: StepContext,
    total: u32,
    downloaded: Downloaded,
}

impl Pages {
    fn of(context: StepContext) -> Result<Self, StepError> {
        let (total, downloaded) = (context.run.items.total, Downloaded::of(&context)?);
        Ok(Self { context, total, downloaded })
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
            return Ok(reading::failed_page(self.index, state.error, state.attempts.made));
        }
        from_value(output).map_err(|error| {
            StepError::permanent("PAGE_UNREADABLE", format!("the stored page {}: {error}", self.index + 1))
        })
    }
}

/// What became of the formats that were asked for.
#[derive(Default)]
struct Outcomes {
    objects: Vec<ResultObject>,
    failed: Vec<FailedFormat>,
    first_failure: Option<StepError>,
}

impl Outcomes {
    /// Takes one more format into account. One that can never be stored does not
    /// lose the others; a store that may answer later is asked for all again.
    fn add(&mut self, format: Format, outcome: Result<ResultObject, StepError>) -> Result<(), StepError> {
        match outcome {
            Ok(object) => self.objects.push(object),
            Err(error) if error.verdict == Verdict::Permanent => {
                tracing::warn!(%format, %error, "can't store a result format");
                let (code, message) = (error.code.clone(), error.message.clone());
                self.failed.push(FailedFormat { format, code, message });
                self.first_failure.get_or_insert(error);
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

/// Fails when there is no format at all.
fn summary(figures: &Figures, stored: Outcomes) -> Result<ResultSummary, StepError> {
    let Outcomes { objects, failed, first_failure } = stored;
    let Some(first) = objects.first() else {
        return Err(
            first_failure.unwrap_or_else(|| StepError::permanent("NO_FORMAT", "the task asks for no format"))
        );
    };
    Ok(ResultSummary {
        s3_result_key: first.key.clone(),
        text_length: figures.text_length,
        confidence: figures.confidence(),
        confidence_kind: figures.confidence_kind().as_str().to_owned(),
        pages: figures.pages,
        failed_pages: figures.failed_pages.clone(),
        warnings: figures.warnings.clone(),
        warning_count: figures.warning_count,
        simulated: figures.simulated,
        objects,
        failed_formats: failed,
    })
}

#[cfg(test)]
mod tests {
    use untxt_engine::error::Budget;

    use super::*;

    fn object(format: Format) -> ResultObject {
        let key = format!("results/{format}");
        ResultObject { format, key, size_bytes: 1, sha256: String::new() }
    }

    fn refused() -> StepError {
        StepError::permanent("OBJECT_REFUSED", "too large")
    }

    #[test]
    fn a_format_that_fails_does_not_lose_the_others() {
        let mut stored = Outcomes::default();
        stored.add(Format::Json, Err(refused())).unwrap();
        stored.add(Format::Html, Ok(object(Format::Html))).unwrap();
        let summary = summary(&Figures::default(), stored).unwrap();
        assert_eq!(summary.s3_result_key, "results/html");
        assert_eq!(summary.objects, [object(Format::Html)]);
        let failed = &summary.failed_formats[0];
        assert_eq!((failed.format, failed.code.as_str()), (Format::Json, "OBJECT_REFUSED"));
    }

    #[test]
    fn no_format_at_all_is_a_failure_and_a_store_that_is_away_is_asked_again() {
        let mut none = Outcomes::default();
        none.add(Format::Json, Err(refused())).unwrap();
        assert_eq!(summary(&Figures::default(), none).unwrap_err(), refused());
        let away = StepError::retry(Budget::Transport, "OBJECT_STORE_UNAVAILABLE", "away");
        assert_eq!(Outcomes::default().add(Format::Html, Err(away.clone())), Err(away));
    }
}
