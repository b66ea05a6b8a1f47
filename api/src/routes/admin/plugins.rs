//! `/api/admin/plugins`: engines and their versions, which of them serves, and
//! going back. What is installed comes by the command line, on the machine.

use std::sync::Arc;

use salvo::http::StatusCode;
use salvo::prelude::{Depot, Json, Request, Router, handler};
use serde::Deserialize;
use serde_json::{Value, json};
use untxt_engine::journal::JournalError;
use untxt_plugins::{Engine, PluginError, Reference};
use untxt_workflows::redrive::Asker;

use super::super::body::body;
use super::asker;
use crate::doors::Doors;
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Why {
    reason: Option<String>,
}

#[handler]
async fn list(depot: &mut Depot) -> Result<Json<Value>, ApiError> {
    shown(Doors::of(depot)?).await
}

#[handler]
async fn activate(req: &mut Request, depot: &mut Depot) -> Result<Json<Value>, ApiError> {
    let doors = Doors::of(depot)?;
    let wanted: Wanted = body(req).await?;
    let asker = asker(depot, wanted.reason)?;
    let digest = wanted.digest.trim_start_matches("sha256:");
    let version: Reference = format!("{}@sha256:{digest}", named(req)?.name)
        .parse()
        .map_err(|reason: String| ApiError::field("digest", reason))?;
    let act = Act { doors, asker: &asker, name: &version.name, action: "activate-plugin" };
    act.written_down(&json!({ "digest": digest, "reason": asker.reason })).await?;
    act.done(doors.platform.bench().engines.activate(&version).await).await
}

#[handler]
async fn rollback(req: &mut Request, depot: &mut Depot) -> Result<Json<Value>, ApiError> {
    let doors = Doors::of(depot)?;
    let why: Why = body(req).await?;
    let asker = asker(depot, why.reason)?;
    let name = named(req)?.name;
    let act = Act { doors, asker: &asker, name: &name, action: "rollback-plugin" };
    act.written_down(&json!({ "reason": asker.reason })).await?;
    act.done(doors.platform.bench().engines.rollback(&name).await).await
}

/// Something that is done to an engine. The files of engines and the audit share
/// no transaction, so the audit comes first: nothing is done that does not stand
/// there, and nothing is done while it can't be written.
struct Act<'a> {
    doors: &'a Doors,
    asker: &'a Asker,
    name: &'a str,
    action: &'static str,
}

impl Act<'_> {
    async fn written_down(&self, detail: &Value) -> Result<(), ApiError> {
        Ok(self.audit(self.action.to_owned(), detail).await?)
    }

    /// Writes down which version it came to, or why it was not done. Should that
    /// fail, that it was asked for stands there all the same.
    async fn done(&self, done: Result<Arc<Engine>, PluginError>) -> Result<Json<Value>, ApiError> {
        let (action, detail) = match &done {
            Ok(engine) => (format!("{}-done", self.action), json!({ "digest": engine.digest() })),
            Err(error) => (format!("{}-refused", self.action), json!({ "error": error.to_string() })),
        };
        if let Err(error) = self.audit(action, &detail).await {
            tracing::warn!(%error, plugin = self.name, "the outcome could not be recorded in the audit log");
        }
        done.map_err(|error| refused(&error))?;
        shown(self.doors).await
    }

    async fn audit(&self, action: String, detail: &Value) -> Result<(), JournalError> {
        let subject = format!("plugin {}", self.name);
        self.doors.platform.engine().audit(&self.asker.by, &action, &subject, detail.clone()).await
    }
}

/// What is no name is the name of nothing.
fn named(req: &Request) -> Result<Reference, ApiError> {
    let text = req.param::<String>("name").unwrap_or_default();
    text.parse::<Reference>()
        .ok()
        .filter(|named| named.digest.is_none())
        .ok_or_else(|| ApiError::new(StatusCode::NOT_FOUND, "PLUGIN_NOT_FOUND", "not a name of an engine"))
}

async fn shown(doors: &Doors) -> Result<Json<Value>, ApiError> {
    let listed = doors.platform.bench().engines.list().await;
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
