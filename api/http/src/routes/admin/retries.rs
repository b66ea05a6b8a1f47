//! `/api/admin/retries`: what failed and will be tried again; one tried now, or given up.

use salvo::prelude::{Depot, Json, Request, Router, handler};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::body;
use super::actor;
use crate::app_state::AppState;
use crate::boxed;
use crate::error::ApiError;
use crate::routes::list::{page, pagination};
use crate::{operator_views, views};

pub(super) fn router() -> Router {
    Router::with_path("retries")
        .get(list)
        .push(Router::with_path("now").post(now))
        .push(Router::with_path("give-up").post(give_up))
}

/// Which retry, and why.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    run: Uuid,
    item: Option<u32>,
    reason: Option<String>,
}

#[handler]
#[boxed]
async fn now(req: &mut Request, depot: &mut Depot) -> Result<Json<Value>, ApiError> {
    let Which { run, item, reason } = body(req).await?;
    let operations = &AppState::of(depot)?.platform.operations;
    let state = operations.retry_now(run, item, &actor(depot, reason)?).await?;
    Ok(Json(views::success(&json!({ "run": run, "item": item, "status": state.status.as_str() }))))
}

#[handler]
#[boxed]
async fn give_up(req: &mut Request, depot: &mut Depot) -> Result<Json<Value>, ApiError> {
    let Which { run, item, reason } = body(req).await?;
    let operations = &AppState::of(depot)?.platform.operations;
    let state = operations.give_up_retry(run, item, &actor(depot, reason)?).await?;
    Ok(Json(views::success(&json!({ "run": run, "item": item, "status": state.status.as_str() }))))
}

#[handler]
#[boxed]
async fn list(req: &mut Request, depot: &mut Depot) -> Result<Json<Value>, ApiError> {
    let platform = &AppState::of(depot)?.platform;
    let (limit, offset) = page(req)?;
    let rows = u32::try_from(limit).unwrap_or(u32::MAX);
    let (retries, total) = platform.records.engine().retries(rows, offset).await?;
    let retries: Vec<Value> = retries.iter().map(operator_views::retry).collect();
    let pagination = pagination(total, limit, offset, retries.len());
    Ok(Json(views::success(&json!({ "retries": retries, "pagination": pagination }))))
}
