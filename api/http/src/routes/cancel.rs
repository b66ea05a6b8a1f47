//! `POST /api/tasks/:id/cancel`: no more of it.

use salvo::http::StatusCode;
use salvo::prelude::{Depot, Json, Request, handler};
use serde_json::Value;
use untxt_engine::decide::Refusal;
use untxt_engine::id::RunId;
use untxt_engine::journal::JournalError;
use untxt_workflows::entities::task;

use super::get::shown;
use super::{audited, named_task};
use crate::app_state::AppState;
use crate::boxed;
use crate::error::ApiError;
use crate::origin::same_origin;
use crate::views;

#[handler]
#[boxed]
pub(crate) async fn cancel(req: &mut Request, depot: &mut Depot) -> Result<Json<Value>, ApiError> {
    same_origin(req)?;
    let state = AppState::of(depot)?;
    let (task, _) = named_task(req, depot).await?;
    cancel_task(depot, state, &task).await?;
    let (task, file) = named_task(req, depot).await?;
    Ok(Json(views::success(&shown(req, state, &task, &file).await?)))
}

/// Cancels a task that the caller sees.
pub(super) async fn cancel_task(depot: &Depot, state: &AppState, task: &task::Model) -> Result<(), ApiError> {
    let cancelling = state.platform.records.engine().cancel(RunId(task.id));
    let cancelled = audited(depot, task, "cancel", cancelling).await?;
    cancelled.map(drop).map_err(|error| match error {
        JournalError::Refused(Refusal::Ended(status)) => {
            let message = format!("the task has ended: {}", status.as_str());
            ApiError::new(StatusCode::CONFLICT, "TASK_ALREADY_ENDED", message)
        }
        error => error.into(),
    })
}
