//! `POST /api/tasks/:id/cancel`: no more of it.

use salvo::http::StatusCode;
use salvo::prelude::{Depot, Json, Request, handler};
use serde_json::Value;
use untxt_engine::decide::Refusal;
use untxt_engine::id::RunId;
use untxt_engine::journal::JournalError;

use super::get::shown;
use super::{audited, named_task};
use crate::app_state::AppState;
use crate::boxed::boxed;
use crate::error::ApiError;
use crate::origin::same_origin;
use crate::views;

#[handler]
#[boxed]
pub(crate) async fn cancel(req: &mut Request, depot: &mut Depot) -> Result<Json<Value>, ApiError> {
    same_origin(req)?;
    let state = AppState::of(depot)?;
    let (task, _) = named_task(req, depot).await?;
    let cancelled =
        audited(depot, &task, "cancel", state.platform.records.engine().cancel(RunId(task.id))).await?;
    cancelled.map_err(|error| match error {
        JournalError::Refused(Refusal::Ended(status)) => {
            let message = format!("the task has ended: {}", status.as_str());
            ApiError::new(StatusCode::CONFLICT, "TASK_ALREADY_ENDED", message)
        }
        error => error.into(),
    })?;
    let (task, file) = named_task(req, depot).await?;
    Ok(Json(views::success(&shown(req, state, &task, &file).await?)))
}
