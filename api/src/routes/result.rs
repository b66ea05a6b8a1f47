//! `GET /api/tasks/:id/result`: where the result can be had, for an hour.

use std::path::Path;
use std::time::Duration;

use salvo::http::StatusCode;
use salvo::prelude::{Depot, Json, Request, handler};
use serde_json::{Value, json};
use untxt_workflows::documents::formats::Format;
use untxt_workflows::objects::PresignOptions;
use untxt_workflows::ocr::ResultSummary;
use untxt_workflows::tables::{file, task};

use super::named_task;
use crate::doors::Doors;
use crate::error::ApiError;
use crate::views;

/// How long a result's address can be used.
const EXPIRES_SECONDS: u64 = 3_600;

#[handler]
pub(crate) async fn result(req: &mut Request, depot: &mut Depot) -> Result<Json<Value>, ApiError> {
    let doors = Doors::of(depot)?;
    let (task, file) = named_task(req, doors).await?;
    let format = match req.query::<String>("format") {
        Some(word) => Some(only(&word)?),
        None => None,
    };
    let url = url(doors, &task, &file, format).await?;
    Ok(Json(views::success(&json!({
        "taskId": task.id,
        "filename": file.filename,
        "resultUrl": url,
        "expiresIn": EXPIRES_SECONDS,
    }))))
}

fn only(word: &str) -> Result<Format, ApiError> {
    let formats = Format::parse_list(word).map_err(|error| ApiError::field("format", error.to_string()))?;
    match formats.as_slice() {
        [format] => Ok(*format),
        _ => Err(ApiError::field("format", "one at a time")),
    }
}

/// The presigned address of the task's result in `format`, or in the first of
/// its formats.
pub(super) async fn url(
    doors: &Doors,
    task: &task::Model,
    file: &file::Model,
    format: Option<Format>,
) -> Result<String, ApiError> {
    let stored = task.result.clone().ok_or_else(|| not_completed(task))?;
    let summary: ResultSummary = serde_json::from_value(stored).map_err(|error| {
        tracing::error!(task = %task.id, %error, "the stored result can't be read");
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", "the stored result can't be read")
    })?;
    let mut objects = summary.objects.iter();
    let object =
        objects.find(|object| format.is_none_or(|format| object.format == format)).ok_or_else(|| {
            let message = format!("the task was asked for {} only", task.formats);
            ApiError::new(StatusCode::NOT_FOUND, "FORMAT_NOT_AVAILABLE", message)
        })?;
    let stem = Path::new(&file.filename).file_stem().and_then(|stem| stem.to_str()).unwrap_or("result");
    let options = PresignOptions {
        content_type: Some(object.format.content_type().to_owned()),
        filename: Some(format!("{stem}.{}", object.format.extension())),
    };
    let expires = Duration::from_secs(EXPIRES_SECONDS);
    Ok(doors.platform.bench().objects.presign_get(&object.key, expires, options).await?)
}

fn not_completed(task: &task::Model) -> ApiError {
    let status = task.status.as_deref().unwrap_or("unknown");
    ApiError::new(
        StatusCode::CONFLICT,
        "TASK_NOT_COMPLETED",
        format!("the task is {status}; it has no result"),
    )
}
