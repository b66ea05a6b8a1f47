//! `GET /api/admin/retries`: what failed and will be tried again.

use salvo::prelude::{Depot, Json, Request, handler};
use serde_json::{Value, json};

use crate::app_state::AppState;
use crate::boxed::boxed;
use crate::error::ApiError;
use crate::routes::list::{page, pagination};
use crate::{operator_views, views};

#[handler]
#[boxed]
pub(crate) async fn list(req: &mut Request, depot: &mut Depot) -> Result<Json<Value>, ApiError> {
    let platform = &AppState::of(depot)?.platform;
    let (limit, offset) = page(req)?;
    let rows = u32::try_from(limit).unwrap_or(u32::MAX);
    let (retries, total) = platform.records.engine().retries(rows, offset).await?;
    let retries: Vec<Value> = retries.iter().map(operator_views::retry).collect();
    let pagination = pagination(total, limit, offset, retries.len());
    Ok(Json(views::success(&json!({ "retries": retries, "pagination": pagination }))))
}
