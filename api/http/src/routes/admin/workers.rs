//! `GET /api/admin/workers`: who works, and on what.

use salvo::prelude::{Depot, Json, handler};
use serde_json::{Value, json};

use crate::app_state::AppState;
use crate::boxed::boxed;
use crate::error::ApiError;
use crate::{operator_views, views};

/// Slots that are shown; a worker holds as many as it has slots.
const HELD_MAX: u32 = 10_000;

#[handler]
#[boxed]
pub(crate) async fn list(depot: &mut Depot) -> Result<Json<Value>, ApiError> {
    let platform = &AppState::of(depot)?.platform;
    let (rows, held) =
        (platform.records.engine().workers().await?, platform.records.engine().holdings(HELD_MAX).await?);
    let workers =
        operator_views::workers(&rows, &held, platform.records.engine().now(), platform.settings().lease);
    Ok(Json(views::success(&json!({ "workers": workers }))))
}
