//! `DELETE /api/tasks/:id`: the task, its file, its history and its results
//! are gone.

use salvo::prelude::{Depot, Json, Request, handler};
use serde_json::{Value, json};

use super::named_task;
use super::origin::same_origin;
use crate::doors::Doors;
use crate::error::ApiError;
use crate::views;

#[handler]
pub(crate) async fn erase(req: &mut Request, depot: &mut Depot) -> Result<Json<Value>, ApiError> {
    same_origin(req)?;
    let doors = Doors::of(depot)?;
    let (task, _) = named_task(req, depot).await?;
    if !doors.platform.tasks.erase_task(task.id).await? {
        return Err(ApiError::no_task(&task.id.to_string()));
    }
    Ok(Json(views::success(&json!({ "taskId": task.id, "erased": true }))))
}
