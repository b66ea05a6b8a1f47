//! `GET /api/tasks`: a user's tasks, newest first.

use salvo::prelude::{Depot, Json, Request, handler};
use serde_json::{Value, json};
use untxt_engine::state::RunStatus;
use untxt_workflows::entities::task;
use untxt_workflows::task_queries::TaskFilter;

use super::asked_user;
use crate::app_state::AppState;
use crate::auth::principal::Principal;
use crate::boxed::boxed;
use crate::error::ApiError;
use crate::views;

const LIMIT_DEFAULT: u64 = 50;
const LIMIT_MAX: u64 = 200;

#[handler]
#[boxed]
pub(crate) async fn list(req: &mut Request, depot: &mut Depot) -> Result<Json<Value>, ApiError> {
    let state = AppState::of(depot)?;
    let user = Principal::of(depot)?.acts_for(asked_user(req)?)?;
    let filter = TaskFilter { user: Some(user), status: status(req)? };
    let (limit, offset) = page(req)?;
    let (rows, total) = state.platform.records.tasks(&filter, limit, offset).await?;
    let pages = state.platform.records.page_counts(&rows).await?;
    let pages_of = |task: &task::Model| pages.get(&task.id).copied().unwrap_or_default();
    let tasks: Vec<Value> = rows.iter().map(|(task, file)| views::task(task, file, pages_of(task))).collect();
    let pagination = pagination(total, limit, offset, tasks.len());
    Ok(Json(views::success(&json!({ "tasks": tasks, "pagination": pagination }))))
}

/// Which page of a list a query asks for: `limit` and `offset`.
pub(super) fn page(req: &Request) -> Result<(u64, u64), ApiError> {
    let limit = number(req, "limit", LIMIT_DEFAULT)?;
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(ApiError::field("limit", format!("must be 1 to {LIMIT_MAX}")));
    }
    Ok((limit, number(req, "offset", 0)?))
}

/// What a page of a list says about the whole.
pub(super) fn pagination(total: u64, limit: u64, offset: u64, shown: usize) -> Value {
    let has_more = offset + (shown as u64) < total;
    json!({ "total": total, "limit": limit, "offset": offset, "hasMore": has_more })
}

fn status(req: &Request) -> Result<Option<String>, ApiError> {
    let Some(word) = req.query::<String>("status") else { return Ok(None) };
    match RunStatus::parse(&word) {
        Some(status) => Ok(Some(status.as_str().to_owned())),
        None => Err(ApiError::field("status", "unknown status")),
    }
}

pub(super) fn number(req: &Request, name: &'static str, default: u64) -> Result<u64, ApiError> {
    let Some(text) = req.query::<String>(name) else { return Ok(default) };
    let number: u32 = text.parse().map_err(|_| ApiError::field(name, "not a number"))?;
    Ok(u64::from(number))
}
