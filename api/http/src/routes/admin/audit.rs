//! `GET /api/admin/audit`: what operators did, newest first.

use salvo::prelude::{Depot, Json, Request, handler};
use serde_json::{Value, json};

use super::super::list::number;
use crate::app_state::AppState;
use crate::boxed::boxed;
use crate::error::ApiError;
use crate::{dead_letters, views};

const LIMIT_DEFAULT: u64 = 50;
const LIMIT_MAX: u64 = 200;

#[handler]
#[boxed]
pub(super) async fn audit(req: &mut Request, depot: &mut Depot) -> Result<Json<Value>, ApiError> {
    let state = AppState::of(depot)?;
    let limit = number(req, "limit", LIMIT_DEFAULT)?.clamp(1, LIMIT_MAX);
    let before = Some(number(req, "before", 0)?).filter(|before| *before > 0);
    let lines = state.platform.records.engine().audited(before, u32::try_from(limit).unwrap_or(1)).await?;
    let lines: Vec<Value> = lines.iter().map(dead_letters::audit).collect();
    Ok(Json(views::success(&json!({ "audit": lines }))))
}
