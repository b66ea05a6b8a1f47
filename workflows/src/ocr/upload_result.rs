//! Step `upload-result`: each format of the document goes into the store page by
//! page, as `result_body` makes it.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::DateTime;
use serde::{Deserialize, Serialize};
use serde_json::to_value;
use untxt_engine::error::{StepError, Verdict};
use untxt_engine::step::{Step, StepContext, StepOutput};

use super::download::Downloaded;
use super::result_body::{Pages, Whole, archive, text};
use super::result_pdf::ResultPdf;
use crate::documents::figures::{Figures, PageWarning};
use crate::documents::formats::{Content, FileKind, Format};
use crate::objects::{ObjectError, keys};
use crate::resources::Resources;
use crate::step_error;
use crate::task_input::TaskInput;

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

impl ResultObject {
    /// The kind of file it is: one of those of its format, as its key ends.
    #[must_use]
    pub fn kind(&self) -> FileKind {
        let name = self.key.rsplit('/').next().unwrap_or_default();
        let is_it = |kind: &FileKind| name.strip_prefix("result.") == Some(kind.extension);
        self.format.files().find(is_it).unwrap_or_else(|| self.format.file(1))
    }
}

pub(super) struct UploadResult(pub(super) Arc<Resources>);

#[async_trait]
impl Step for UploadResult {
    async fn run(&self, context: StepContext) -> Result<StepOutput, StepError> {
        let mut input = TaskInput::of(&context.run)?;
        input.file = Downloaded::of(&context)?.file(&input);
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
        let kind = format.file(whole.figures.pages);
        let key = keys::result_key(file.user, month, file.id, kind.extension);
        let objects = &self.0.objects;
        let content_type = kind.content_type;
        let stored = match format.content() {
            Content::Text(writer) if format.is_archive(whole.figures.pages) => {
                objects.put_stream(&key, content_type, archive(writer, whole, pages), u64::MAX).await
            }
            Content::Text(writer) => {
                objects.put_stream(&key, content_type, text(writer, whole, pages), u64::MAX).await
            }
            Content::Pdf { archival } => {
                let pdf = ResultPdf { resources: &self.0, input, pages, archival };
                let body = pdf.write().await?;
                let stored = objects.put_stream(&key, content_type, body, u64::MAX).await;
                pdf.clear().await;
                stored
            }
        };
        let stored = stored.map_err(verdict)?;
        Ok(ResultObject { format, key, size_bytes: stored.size_bytes, sha256: stored.sha256 })
    }
}

/// What a body reports when it breaks off is the failure of a step already.
fn verdict(error: ObjectError) -> StepError {
    match error {
        ObjectError::Body { source, at } => match source.downcast::<StepError>() {
            Ok(failure) => *failure,
            Err(source) => step_error::of_object(&ObjectError::Body { source, at }),
        },
        other => step_error::of_object(&other),
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
    fn an_object_is_of_the_kind_that_its_key_says() {
        let of = |key: &str| ResultObject { key: key.to_owned(), ..object(Format::Page) }.kind();
        assert_eq!(of("results/u/2026-11/f/result.page.zip"), Format::Page.file(2));
        assert_eq!(of("results/u/2026-11/f/result.page.xml"), Format::Page.file(1));
        assert_eq!(object(Format::Html).kind(), Format::Html.file(1));
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
