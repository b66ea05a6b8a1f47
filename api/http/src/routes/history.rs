//! `GET /api/tasks/:id/history`: the journal of one task, in pages.

use salvo::prelude::{Depot, Json, Request, handler};
use serde_json::{Value, json};
use untxt_engine::id::RunId;

use super::list::number;
use super::named_task;
use crate::app_state::AppState;
use crate::boxed::boxed;
use crate::error::ApiError;
use crate::views;

const LIMIT_MAX: u64 = 1_000;

#[handler]
#[boxed]
pub(crate) async fn history(req: &mut Request, depot: &mut Depot) -> Result<Json<Value>, ApiError> {
    let state = AppState::of(depot)?;
    let (task, _) = named_task(req, depot).await?;
    let limit = number(req, "limit", LIMIT_MAX)?;
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(ApiError::field("limit", format!("must be 1 to {LIMIT_MAX}")));
    }
    let after = number(req, "afterSeq", 0)?;
    let limit = u32::try_from(limit).unwrap_or(u32::MAX);
    let events = state.platform.records.engine().history(RunId(task.id), after, limit).await?;
    let told = views::history(&events, AppState::steps());
    Ok(Json(views::success(&json!({ "taskId": task.id, "history": told }))))
}
