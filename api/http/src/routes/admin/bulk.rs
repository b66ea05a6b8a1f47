//! `GET /api/admin/redrives/:id`: how far a run is that goes through many dead
//! letters.

use salvo::http::StatusCode;
use salvo::prelude::{Depot, Json, Request, handler};
use serde_json::Value;
use uuid::Uuid;

use crate::app_state::AppState;
use crate::boxed::boxed;
use crate::error::ApiError;
use crate::{dead_letters, views};

#[handler]
#[boxed]
pub(super) async fn progress(req: &mut Request, depot: &mut Depot) -> Result<Json<Value>, ApiError> {
    let state = AppState::of(depot)?;
    let missing =
        || ApiError::new(StatusCode::NOT_FOUND, "REDRIVE_NOT_FOUND", "there is no such bulk redrive");
    let text = req.param::<String>("id").unwrap_or_default();
    let id = Uuid::parse_str(&text).map_err(|_| missing())?;
    let found = state.platform.operations.bulk(id).await?.ok_or_else(missing)?;
    Ok(Json(views::success(&dead_letters::progress(&found))))
}
