//! `GET /api/tasks/:id/result`: where the result can be had, for an hour or as
//! long as is asked for.

use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use salvo::http::StatusCode;
use salvo::prelude::{Depot, Json, Request, handler};
use serde_json::{Value, json};
use untxt_workflows::documents::formats::Format;
use untxt_workflows::entities::{file, task};
use untxt_workflows::objects::PresignOptions;
use untxt_workflows::ocr::{ResultObject, ResultSummary};

use super::list::number;
use super::named_task;
use super::objects::embedded_at;
use crate::app_state::AppState;
use crate::boxed::boxed;
use crate::error::ApiError;
use crate::views;

/// How long a result's address can be used, and how long it may be asked for.
const EXPIRES_SECONDS: u64 = 3_600;
const EXPIRES_SECONDS_RANGE: RangeInclusive<u64> = 60..=604_800;

#[handler]
#[boxed]
pub(crate) async fn result(req: &mut Request, depot: &mut Depot) -> Result<Json<Value>, ApiError> {
    let state = AppState::of(depot)?;
    let (task, file) = named_task(req, depot).await?;
    let format = asked_format(req)?;
    let expires_seconds = expires(req)?;
    let object = object(&task, format)?;
    let url = signed(state, &file, &object, expires_seconds, embedded_at(req)?).await?;
    Ok(Json(views::success(&json!({
        "taskId": task.id,
        "filename": file.filename,
        "format": object.format.name(),
        "contentType": object.kind().content_type,
        "bytes": object.size_bytes,
        "sha256": object.sha256,
        "resultUrl": url,
        "expiresIn": expires_seconds,
    }))))
}

/// The format that the query asks for, if it asks for one.
pub(super) fn asked_format(req: &Request) -> Result<Option<Format>, ApiError> {
    req.query::<String>("format").map(|word| only(&word)).transpose()
}

fn expires(req: &Request) -> Result<u64, ApiError> {
    let seconds = number(req, "expiresIn", EXPIRES_SECONDS)?;
    if EXPIRES_SECONDS_RANGE.contains(&seconds) {
        return Ok(seconds);
    }
    let (least, most) = (EXPIRES_SECONDS_RANGE.start(), EXPIRES_SECONDS_RANGE.end());
    Err(ApiError::field("expiresIn", format!("must be {least} to {most} seconds")))
}

fn only(word: &str) -> Result<Format, ApiError> {
    let formats = Format::parse_list(word).map_err(|error| ApiError::field("format", error.to_string()))?;
    match formats.as_slice() {
        [format] => Ok(*format),
        _ => Err(ApiError::field("format", "only one format")),
    }
}

/// The presigned address of the first format of the task's result.
pub(super) async fn url(
    req: &Request,
    state: &AppState,
    task: &task::Model,
    file: &file::Model,
) -> Result<String, ApiError> {
    signed(state, file, &object(task, None)?, EXPIRES_SECONDS, embedded_at(req)?).await
}

/// The task's result in `format`, or in the first of its formats.
pub(super) fn object(task: &task::Model, format: Option<Format>) -> Result<ResultObject, ApiError> {
    find(&summary(task)?, task, format)
}

/// The task's result in these formats, or in all that there are.
pub(super) fn objects(task: &task::Model, formats: Option<&[Format]>) -> Result<Vec<ResultObject>, ApiError> {
    let summary = summary(task)?;
    match formats {
        Some(formats) => formats.iter().map(|format| find(&summary, task, Some(*format))).collect(),
        None => Ok(summary.objects),
    }
}

fn summary(task: &task::Model) -> Result<ResultSummary, ApiError> {
    let stored = task.result.clone().ok_or_else(|| not_completed(task))?;
    serde_json::from_value(stored).map_err(|error| {
        tracing::error!(task = %task.id, %error, "the stored result can't be read");
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", "internal error")
    })
}

fn find(
    summary: &ResultSummary,
    task: &task::Model,
    format: Option<Format>,
) -> Result<ResultObject, ApiError> {
    let is_asked = |of: Format| format.is_none_or(|format| of == format);
    if let Some(object) = summary.objects.iter().find(|object| is_asked(object.format)) {
        return Ok(object.clone());
    }
    let message = match summary.failed_formats.iter().find(|failed| is_asked(failed.format)) {
        Some(failed) => format!("{} could not be stored: {}", failed.format, failed.code),
        None => format!("the task was asked for {} only", task.formats),
    };
    Err(ApiError::new(StatusCode::NOT_FOUND, "FORMAT_NOT_AVAILABLE", message))
}

/// What a client calls it.
pub(super) fn file_name(file: &file::Model, object: &ResultObject) -> String {
    named(file, object.kind().extension)
}

/// What something made of the file is called.
pub(super) fn named(file: &file::Model, extension: &str) -> String {
    let stem = Path::new(&file.filename).file_stem().and_then(|stem| stem.to_str()).unwrap_or("result");
    format!("{stem}.{extension}")
}

/// Where anybody may fetch it, as an attachment named after the file.
async fn signed(
    state: &AppState,
    file: &file::Model,
    object: &ResultObject,
    expires_seconds: u64,
    embedded_at: String,
) -> Result<String, ApiError> {
    let options = PresignOptions {
        content_type: Some(object.kind().content_type.to_owned()),
        filename: Some(file_name(file, object)),
        embedded_at: Some(embedded_at),
    };
    let expires = Duration::from_secs(expires_seconds);
    Ok(state.platform.objects().presign_get(&object.key, expires, options).await?)
}

fn not_completed(task: &task::Model) -> ApiError {
    let status = task.status.as_deref().unwrap_or("unknown");
    ApiError::new(
        StatusCode::CONFLICT,
        "TASK_NOT_COMPLETED",
        format!("the task is {status}; it has no result"),
    )
}
