//! `GET /api/engines`: which engines a task can name.

use salvo::prelude::{Depot, Json, handler};
use serde_json::Value;

use crate::app_state::AppState;
use crate::auth::principal::{Principal, Scope};
use crate::boxed;
use crate::error::ApiError;
use crate::{plugins, views};

#[handler]
#[boxed]
pub(crate) async fn engines(depot: &mut Depot) -> Result<Json<Value>, ApiError> {
    let caller = Principal::of(depot)?;
    // Whoever submits names an engine, and whoever reads is told of one.
    caller.may(Scope::Submit).or_else(|_| caller.may(Scope::Read))?;
    let platform = &AppState::of(depot)?.platform;
    let listed = platform.engines().list().await;
    Ok(Json(views::success(&plugins::for_users(&listed, platform.default_engine()))))
}
