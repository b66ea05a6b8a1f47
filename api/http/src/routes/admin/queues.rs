//! `/api/admin/queues`: how much there is to do, and what is to stand still.

use std::num::NonZeroU32;

use salvo::http::StatusCode;
use salvo::prelude::{Depot, Json, Request, handler};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use untxt_engine::journal::JournalError;

use super::super::body;
use crate::app_state::AppState;
use crate::auth::principal::Principal;
use crate::boxed::boxed;
use crate::error::ApiError;
use crate::queues::{self, Limits, Target};
use crate::views;

/// What is to stand still or go on; nothing means every queue.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    queue: Option<String>,
    tenant: Option<String>,
}

/// What is left out stays; `null` lifts a limit.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Share {
    tenant: String,
    weight: Option<NonZeroU32>,
    #[serde(default, deserialize_with = "given")]
    concurrency: Option<Option<NonZeroU32>>,
    #[serde(default, deserialize_with = "given")]
    rate_per_minute: Option<Option<NonZeroU32>>,
}

/// Tells `null` from what is not there.
fn given<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<NonZeroU32>>, D::Error> {
    Option::deserialize(from).map(Some)
}

#[handler]
#[boxed]
pub(crate) async fn list(depot: &mut Depot) -> Result<Json<Value>, ApiError> {
    shown(AppState::of(depot)?).await
}

#[handler]
#[boxed]
pub(crate) async fn pause(req: &mut Request, depot: &mut Depot) -> Result<Json<Value>, ApiError> {
    set(req, depot, true).await
}

#[handler]
#[boxed]
pub(crate) async fn resume(req: &mut Request, depot: &mut Depot) -> Result<Json<Value>, ApiError> {
    set(req, depot, false).await
}

#[handler]
#[boxed]
pub(crate) async fn limit(req: &mut Request, depot: &mut Depot) -> Result<Json<Value>, ApiError> {
    let (state, by) = (AppState::of(depot)?, Principal::of(depot)?.name());
    let Share { tenant, weight, concurrency, rate_per_minute } = body(req).await?;
    let limits = Limits { weight, concurrency, rate_per_minute };
    queues::limit(state.platform.records.engine(), &tenant, limits, by).await.map_err(refused)?;
    shown(state).await
}

async fn set(req: &mut Request, depot: &Depot, paused: bool) -> Result<Json<Value>, ApiError> {
    let (state, by) = (AppState::of(depot)?, Principal::of(depot)?.name());
    let named: Named = body(req).await?;
    let target = match (&named.queue, &named.tenant) {
        (None, None) => Target::All,
        (Some(queue), None) => Target::Queue(queue),
        (None, Some(tenant)) => Target::Tenant(tenant),
        (Some(_), Some(_)) => return Err(ApiError::field("tenant", "name a queue or a tenant, not both")),
    };
    queues::pause(state.platform.records.engine(), target, paused, by).await.map_err(refused)?;
    shown(state).await
}

async fn shown(state: &AppState) -> Result<Json<Value>, ApiError> {
    Ok(Json(views::success(&queues::view(state.platform.records.engine()).await?)))
}

fn refused(error: JournalError) -> ApiError {
    match error {
        JournalError::UnknownDefinition(name) => {
            ApiError::new(StatusCode::NOT_FOUND, "QUEUE_NOT_FOUND", format!("there is no queue `{name}`"))
        }
        JournalError::Conflict(reason) => ApiError::field("tenant", reason),
        error => error.into(),
    }
}
