//! `/api/admin/keys`: who may call, and who may not any more.

use salvo::http::StatusCode;
use salvo::prelude::{Depot, Json, Request, Response, Router, handler};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app_state::AppState;
use crate::auth::keys::NewKey;
use crate::auth::middleware::RequireScope;
use crate::auth::principal::{Principal, Scope};
use crate::boxed::boxed;
use crate::error::ApiError;
use crate::routes::list::{page, pagination};
use crate::routes::{asked_user, body};
use crate::views;

pub(super) fn router() -> Router {
    Router::with_path("keys")
        .hoop(RequireScope::scope(Scope::Admin))
        .get(list)
        .post(create)
        .push(Router::with_path("{id}/revoke").post(revoke))
}

#[handler]
#[boxed]
async fn list(req: &mut Request, depot: &mut Depot) -> Result<Json<Value>, ApiError> {
    let (state, (limit, offset)) = (AppState::of(depot)?, page(req)?);
    let now = state.platform.records.engine().now();
    let listed = state.auth.keys().list(asked_user(req)?, limit, offset).await?;
    let keys: Vec<Value> = listed.keys.iter().map(|key| key.view(now)).collect();
    let pagination = pagination(listed.total, limit, offset, listed.len());
    let data = json!({ "keys": keys, "unreadable": listed.unreadable, "pagination": pagination });
    Ok(Json(views::success(&data)))
}

/// A key that is wanted; the caller's own when no user is named.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wanted {
    user_id: Option<Uuid>,
    #[serde(default)]
    name: String,
    scopes: Vec<Scope>,
    expires_in: Option<u64>,
}

#[handler]
#[boxed]
async fn create(req: &mut Request, depot: &mut Depot, res: &mut Response) -> Result<(), ApiError> {
    let (state, caller) = (AppState::of(depot)?, Principal::of(depot)?);
    let wanted = body::<Wanted>(req).await?;
    let new = NewKey {
        user: caller.acts_for(wanted.user_id)?,
        name: wanted.name,
        scopes: wanted.scopes.into_iter().collect(),
        life_seconds: wanted.expires_in,
    };
    let (key, text) = state.auth.keys().create(state.platform.records.engine(), new, caller.name()).await?;
    let mut view = key.view(state.platform.records.engine().now());
    view["key"] = json!(text);
    res.status_code(StatusCode::CREATED);
    res.render(Json(views::success(&view)));
    Ok(())
}

#[handler]
#[boxed]
async fn revoke(req: &mut Request, depot: &mut Depot) -> Result<Json<Value>, ApiError> {
    let (state, by) = (AppState::of(depot)?, Principal::of(depot)?.name());
    let text = req.param::<String>("id").unwrap_or_default();
    let missing = |_| ApiError::new(StatusCode::NOT_FOUND, "KEY_NOT_FOUND", "not an id of an API key");
    let id = Uuid::parse_str(&text).map_err(missing)?;
    let key = state.auth.keys().revoke(state.platform.records.engine(), id, by).await?;
    Ok(Json(views::success(&key.view(state.platform.records.engine().now()))))
}
