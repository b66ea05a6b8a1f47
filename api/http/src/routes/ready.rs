//! `GET /ready`: whether work should be sent here.

use salvo::prelude::{Depot, Json, handler};
use serde_json::{Value, json};

use crate::boxed::boxed;
use crate::error::ApiError;
use crate::health::HealthState;
use crate::views;

#[handler]
#[boxed]
pub(crate) async fn ready(depot: &mut Depot) -> Result<Json<Value>, ApiError> {
    let (missing, full) = HealthState::of(depot)?.missing().await;
    if missing.is_empty() {
        return Ok(Json(views::success(&json!({ "status": "ready" }))));
    }
    Err(ApiError::not_ready(&missing, &full))
}
