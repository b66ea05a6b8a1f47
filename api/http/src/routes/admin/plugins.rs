//! `/api/admin/plugins`: engines and their versions, which of them serves, and
//! going back. What is installed comes by the command line, on the machine.

use std::sync::Arc;

use salvo::http::StatusCode;
use salvo::prelude::{Depot, Json, Request, Router, handler};
use serde::Deserialize;
use serde_json::{Value, json};
use untxt_plugins::{LoadedEngine, PluginError, Reference};

use super::super::body::body;
use super::{Why, actor};
use crate::app_state::AppState;
use crate::audit::AuditedAction;
use crate::boxed;
use crate::error::ApiError;
use crate::{plugins, views};

pub(super) fn router() -> Router {
    Router::with_path("plugins").get(list).push(
        Router::with_path("{name}")
            .push(Router::with_path("activate").post(activate))
            .push(Router::with_path("rollback").post(rollback)),
    )
}

/// Which version is to serve, and why.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    digest: String,
    reason: Option<String>,
}

#[handler]
#[boxed]
async fn list(depot: &mut Depot) -> Result<Json<Value>, ApiError> {
    shown(AppState::of(depot)?).await
}

#[handler]
#[boxed]
async fn activate(req: &mut Request, depot: &mut Depot) -> Result<Json<Value>, ApiError> {
    let state = AppState::of(depot)?;
    let wanted: Wanted = body(req).await?;
    let actor = actor(depot, wanted.reason)?;
    let digest = wanted.digest.trim_start_matches("sha256:");
    let version: Reference = format!("{}@sha256:{digest}", named(req)?.name)
        .parse()
        .map_err(|reason: String| ApiError::field("digest", reason))?;
    let act = AuditedAction {
        engine: state.platform.records.engine(),
        by: &actor.by,
        action: "activate-plugin",
        subject: &format!("plugin {}", version.name),
    };
    let engines = &state.platform.engines();
    let asked = json!({ "digest": digest, "reason": actor.reason });
    answer(state, act.audited(asked, engines.activate(&version), now).await?).await
}

#[handler]
#[boxed]
async fn rollback(req: &mut Request, depot: &mut Depot) -> Result<Json<Value>, ApiError> {
    let state = AppState::of(depot)?;
    let why: Why = body(req).await?;
    let actor = actor(depot, why.reason)?;
    let name = named(req)?.name;
    let act = AuditedAction {
        engine: state.platform.records.engine(),
        by: &actor.by,
        action: "rollback-plugin",
        subject: &format!("plugin {name}"),
    };
    let engines = &state.platform.engines();
    let asked = json!({ "reason": actor.reason });
    answer(state, act.audited(asked, engines.rollback(&name), now).await?).await
}

/// What the audit says of an engine's version that serves now.
fn now(engine: &Arc<LoadedEngine>) -> Value {
    json!({ "digest": engine.digest() })
}

async fn answer(
    state: &AppState,
    done: Result<Arc<LoadedEngine>, PluginError>,
) -> Result<Json<Value>, ApiError> {
    done.map_err(|error| refused(&error))?;
    shown(state).await
}

/// What is no name is the name of nothing.
fn named(req: &Request) -> Result<Reference, ApiError> {
    let text = req.param::<String>("name").unwrap_or_default();
    text.parse::<Reference>()
        .ok()
        .filter(|named| named.digest.is_none())
        .ok_or_else(|| ApiError::new(StatusCode::NOT_FOUND, "PLUGIN_NOT_FOUND", "not a name of an engine"))
}

async fn shown(state: &AppState) -> Result<Json<Value>, ApiError> {
    let listed = state.platform.engines().list().await;
    Ok(Json(views::success(&plugins::view(&listed))))
}

/// Operators are told where the server keeps its engines.
fn refused(error: &PluginError) -> ApiError {
    let message = error.to_string();
    match error {
        PluginError::NotFound { .. } | PluginError::Gone { .. } => {
            ApiError::new(StatusCode::NOT_FOUND, "PLUGIN_NOT_FOUND", message)
        }
        PluginError::NothingEarlier { .. } => {
            ApiError::new(StatusCode::CONFLICT, "PLUGIN_NOTHING_EARLIER", message)
        }
        PluginError::Busy { .. } | PluginError::Sandbox(_) | PluginError::Unreadable { .. } => {
            ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "SERVICE_UNAVAILABLE", message)
        }
        PluginError::Quarantined { .. } => {
            ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "ENGINE_QUARANTINED", message)
        }
        PluginError::Incompatible { .. } => {
            ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "ENGINE_INCOMPATIBLE", message)
        }
        _ => ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", message),
    }
}
