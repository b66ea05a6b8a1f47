//! What is to become of a document, as forms and JSON say it.

use serde::Deserialize;
use untxt_engine::event::OnItemFailure;
use untxt_workflows::documents::formats::Format;
use untxt_workflows::submit::NewTask;
use untxt_workflows::task_input::TaskOptions;
use uuid::Uuid;

use crate::error::ApiError;

/// What is to become of a document: the fields of a form, as JSON.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct TaskParams {
    priority: Option<u8>,
    engine: Option<String>,
    formats: Option<Vec<String>>,
    pages: Option<String>,
    on_page_failure: Option<String>,
    #[serde(default)]
    options: TaskOptions,
    webhook: Option<String>,
}

impl TaskParams {
    /// The task of `user` for a document called `filename`.
    ///
    /// # Errors
    /// 400 `INVALID_FIELD` for an unknown format or policy.
    pub(super) fn of(
        self,
        user: Uuid,
        filename: String,
        idempotency_key: Option<String>,
    ) -> Result<NewTask, ApiError> {
        let formats = match self.formats {
            Some(formats) => parse_formats(&formats.join(","))?,
            None => vec![Format::Html],
        };
        Ok(NewTask {
            user,
            filename,
            priority: self.priority.unwrap_or(5),
            engine: self.engine.filter(|engine| !engine.is_empty()),
            formats,
            pages: self.pages.filter(|pages| !pages.is_empty()),
            on_page_failure: self.on_page_failure.map_or(Ok(OnItemFailure::Fail), |word| policy(&word))?,
            options: with_webhook(self.options, self.webhook),
            idempotency_key,
        })
    }
}

pub(super) fn parse_formats(list: &str) -> Result<Vec<Format>, ApiError> {
    Format::parse_list(list).map_err(|error| ApiError::field("formats", error.to_string()))
}

/// The options, with the webhook that stands beside them.
pub(super) fn with_webhook(options: TaskOptions, webhook: Option<String>) -> TaskOptions {
    let url = |url: &String| !url.trim().is_empty();
    TaskOptions { webhook: webhook.filter(url).or(options.webhook), ..options }
}

pub(super) fn policy(value: &str) -> Result<OnItemFailure, ApiError> {
    match value {
        "fail" => Ok(OnItemFailure::Fail),
        "partial" => Ok(OnItemFailure::Partial),
        _ => Err(ApiError::field("onPageFailure", "must be `fail` or `partial`")),
    }
}
