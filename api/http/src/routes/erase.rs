//! `DELETE /api/tasks/:id`: the task, its file, its history and its results
//! are gone.

use salvo::prelude::{Depot, Json, Request, handler};
use serde_json::{Value, json};
use untxt_workflows::entities::task;

use super::{audited, named_task};
use crate::app_state::AppState;
use crate::boxed;
use crate::error::ApiError;
use crate::origin::same_origin;
use crate::views;

#[handler]
#[boxed]
pub(crate) async fn erase(req: &mut Request, depot: &mut Depot) -> Result<Json<Value>, ApiError> {
    same_origin(req)?;
    let state = AppState::of(depot)?;
    let (task, _) = named_task(req, depot).await?;
    erase_task(depot, state, &task).await?;
    Ok(Json(views::success(&json!({ "taskId": task.id, "erased": true }))))
}

/// Erases a task that the caller sees.
pub(super) async fn erase_task(depot: &Depot, state: &AppState, task: &task::Model) -> Result<(), ApiError> {
    let erased = Box::pin(audited(depot, task, "erase", state.platform.tasks.erase_task(task.id)));
    match erased.await?? {
        true => Ok(()),
        false => Err(ApiError::no_task(&task.id.to_string())),
    }
}
