//! `/api/admin/workers`: who works, and on what; one drained or resumed.

use salvo::http::StatusCode;
use salvo::prelude::{Depot, Json, Request, Router, handler};
use serde_json::{Value, json};
use untxt_engine::id::WorkerName;

use super::super::body;
use super::{Why, actor};
use crate::app_state::AppState;
use crate::boxed;
use crate::error::ApiError;
use crate::{operator_views, views};

/// Slots that are shown; a worker holds as many as it has slots.
const HELD_MAX: u32 = 10_000;

pub(super) fn router() -> Router {
    Router::with_path("workers").get(list).push(
        Router::with_path("{name}")
            .push(Router::with_path("drain").post(drain))
            .push(Router::with_path("resume").post(resume)),
    )
}

#[handler]
#[boxed]
async fn drain(req: &mut Request, depot: &mut Depot) -> Result<Json<Value>, ApiError> {
    set(req, depot, true).await
}

#[handler]
#[boxed]
async fn resume(req: &mut Request, depot: &mut Depot) -> Result<Json<Value>, ApiError> {
    set(req, depot, false).await
}

async fn set(req: &mut Request, depot: &Depot, draining: bool) -> Result<Json<Value>, ApiError> {
    let name = WorkerName::from(req.param::<String>("name").unwrap_or_default());
    let actor = actor(depot, body::<Why>(req).await?.reason)?;
    let engine = AppState::of(depot)?.platform.records.engine();
    if engine.drain_worker(&name, draining, &actor.by, &actor.reason).await? {
        return all(depot).await;
    }
    let message = format!("there is no worker {name} on the list");
    Err(ApiError::new(StatusCode::NOT_FOUND, "WORKER_NOT_FOUND", message))
}

#[handler]
#[boxed]
async fn list(depot: &mut Depot) -> Result<Json<Value>, ApiError> {
    all(depot).await
}

async fn all(depot: &Depot) -> Result<Json<Value>, ApiError> {
    let platform = &AppState::of(depot)?.platform;
    let (rows, held) =
        (platform.records.engine().workers().await?, platform.records.engine().holdings(HELD_MAX).await?);
    let workers =
        operator_views::workers(&rows, &held, platform.records.engine().now(), platform.settings().lease);
    Ok(Json(views::success(&json!({ "workers": workers }))))
}
