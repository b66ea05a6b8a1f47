//! `GET /api/tasks/:id`: one task.

use salvo::prelude::{Depot, Json, Request, handler};
use serde_json::Value;
use untxt_engine::id::RunId;

use super::named_task;
use super::result::url;
use crate::doors::Doors;
use crate::error::ApiError;
use crate::views;

#[handler]
pub(crate) async fn get(req: &mut Request, depot: &mut Depot) -> Result<Json<Value>, ApiError> {
    let doors = Doors::of(depot)?;
    let (task, file) = named_task(req, doors).await?;
    let run = doors.platform.engine().run(RunId(task.id)).await?;
    let url = match &task.result {
        Some(_) => Some(url(doors, &task, &file, None).await?),
        None => None,
    };
    Ok(Json(views::success(&views::detailed(&task, &file, run.as_ref(), url.as_deref()))))
}
