//! `DELETE /api/tasks/:id`: the task, its file, its history and its results
//! are gone.

use salvo::prelude::{Depot, Json, Request, handler};
use serde_json::{Value, json};

use super::{audited, named_task};
use crate::app_state::AppState;
use crate::boxed::boxed;
use crate::error::ApiError;
use crate::origin::same_origin;
use crate::views;

#[handler]
#[boxed]
pub(crate) async fn erase(req: &mut Request, depot: &mut Depot) -> Result<Json<Value>, ApiError> {
    same_origin(req)?;
    let state = AppState::of(depot)?;
    let (task, _) = named_task(req, depot).await?;
    let erased = Box::pin(audited(depot, &task, "erase", state.platform.tasks.erase_task(task.id)));
    if !erased.await?? {
        return Err(ApiError::no_task(&task.id.to_string()));
    }
    Ok(Json(views::success(&json!({ "taskId": task.id, "erased": true }))))
}
