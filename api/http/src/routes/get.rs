//! `GET /api/tasks/:id`: one task.

use salvo::prelude::{Depot, Json, Request, handler};
use serde_json::Value;
use untxt_engine::id::RunId;
use untxt_workflows::entities::{file, task};

use super::named_task;
use super::result::url;
use crate::app_state::AppState;
use crate::boxed::boxed;
use crate::error::ApiError;
use crate::views;

#[handler]
#[boxed]
pub(crate) async fn get(req: &mut Request, depot: &mut Depot) -> Result<Json<Value>, ApiError> {
    let state = AppState::of(depot)?;
    let (task, file) = named_task(req, depot).await?;
    Ok(Json(views::success(&shown(req, state, &task, &file).await?)))
}

/// The task as one is shown.
pub(super) async fn shown(
    req: &Request,
    state: &AppState,
    task: &task::Model,
    file: &file::Model,
) -> Result<Value, ApiError> {
    let run = state.platform.records.engine().run(RunId(task.id)).await?;
    let failed = match &run {
        Some(run) => state.platform.records.failed_pages(run).await?,
        None => Vec::new(),
    };
    let url = match &task.result {
        Some(_) => Some(url(req, state, task, file).await?),
        None => None,
    };
    let mut view = views::detailed(task, file, run.as_ref(), &failed, url.as_deref());
    let webhook = match &run {
        Some(run) => state.platform.records.webhook(run).await?,
        None => None,
    };
    view["webhook"] = webhook.as_ref().map_or(Value::Null, views::webhook);
    Ok(view)
}
