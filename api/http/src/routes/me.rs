//! `GET /api/me`: who calls, what they may do, and how much.

use salvo::prelude::{Depot, Json, handler};
use serde_json::{Value, json};

use crate::app_state::AppState;
use crate::auth::principal::Principal;
use crate::boxed;
use crate::error::ApiError;
use crate::views;

#[handler]
#[boxed]
pub(crate) async fn me(depot: &mut Depot) -> Result<Json<Value>, ApiError> {
    Ok(Json(views::success(&view(AppState::of(depot)?, Principal::of(depot)?))))
}

/// A caller, as they see themselves.
pub(super) fn view(state: &AppState, caller: &Principal) -> Value {
    let settings = state.platform.settings();
    json!({
        "name": caller.label(),
        "userId": caller.user_id(),
        "scopes": caller.scopes().names(),
        "authentication": caller.authentication(),
        "expiresAt": caller.expires_at().map(views::millis),
        "limits": {
            "uploadBytesMax": settings.upload_bytes_max,
            "pagesMax": settings.document_limits.pages_max,
            "uploadsPerMinute": settings.quota.uploads_per_minute,
            "tasksActiveMax": settings.quota.in_flight_max,
        },
    })
}
