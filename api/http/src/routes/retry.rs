//! `POST /api/tasks/:id/retry`: have a task go on that died.

use salvo::prelude::{Depot, Json, Request, handler};
use serde_json::Value;
use untxt_workflows::entities::task;
use untxt_workflows::redrive::{Actor, RedriveOptions};

use super::get::shown;
use super::named_task;
use crate::app_state::AppState;
use crate::auth::principal::Principal;
use crate::boxed;
use crate::error::ApiError;
use crate::origin::same_origin;
use crate::views;

#[handler]
#[boxed]
pub(crate) async fn retry(req: &mut Request, depot: &mut Depot) -> Result<Json<Value>, ApiError> {
    let state = AppState::of(depot)?;
    same_origin(req)?;
    let (task, _) = named_task(req, depot).await?;
    retry_task(depot, state, &task).await?;
    // As the commit left it.
    let (task, file) = named_task(req, depot).await?;
    Ok(Json(views::success(&shown(req, state, &task, &file).await?)))
}

/// Retries a task that the caller sees. The audit log has who did it.
pub(super) async fn retry_task(depot: &Depot, state: &AppState, task: &task::Model) -> Result<(), ApiError> {
    let actor =
        Actor { by: Principal::of(depot)?.name().to_owned(), reason: "asked for by a client".to_owned() };
    state.platform.operations.redrive_task(task.id, &RedriveOptions::default(), &actor).await?;
    Ok(())
}
