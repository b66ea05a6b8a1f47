//! `GET /api/admin/overview`: how the service is.

use salvo::prelude::{Depot, Json, handler};
use serde_json::Value;

use crate::app_state::AppState;
use crate::boxed;
use crate::error::ApiError;
use crate::health::HealthState;
use crate::views;

#[handler]
#[boxed]
pub(super) async fn overview(depot: &mut Depot) -> Result<Json<Value>, ApiError> {
    let state = AppState::of(depot)?;
    let checks = HealthState::of(depot)?.checks().await;
    Ok(Json(views::success(&state.overview.get(&state.platform, &checks).await?)))
}
