//! `GET /ready`: whether work should be sent here.

use salvo::prelude::{Depot, Json, handler};
use serde_json::{Value, json};

use crate::error::ApiError;
use crate::views;
use crate::vitals::Vitals;

#[handler]
pub(crate) async fn ready(depot: &mut Depot) -> Result<Json<Value>, ApiError> {
    let (lacks, full) = Vitals::of(depot)?.lacks().await;
    if lacks.is_empty() {
        return Ok(Json(views::success(&json!({ "status": "ready" }))));
    }
    Err(ApiError::not_ready(&lacks, &full))
}
