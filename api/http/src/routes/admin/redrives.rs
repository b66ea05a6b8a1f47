//! `/api/admin/redrives`: bulk redrives, listed, shown, stopped, resumed, and given another
//! rate.

use salvo::http::StatusCode;
use salvo::http::header::{HeaderValue, LOCATION};
use salvo::prelude::{Depot, Json, Request, Response, Router, handler};
use serde::Deserialize;
use serde_json::{Value, json};
use untxt_workflows::bulk_redrives::Progress;
use untxt_workflows::operations::Operations;
use uuid::Uuid;

use super::super::body;
use super::super::list::{page, pagination};
use super::{Why, actor};
use crate::app_state::AppState;
use crate::boxed;
use crate::error::ApiError;
use crate::request_info::RequestInfo;
use crate::{dead_letters, views};

pub(super) fn router() -> Router {
    Router::with_path("redrives").get(list).push(
        Router::with_path("{id}")
            .get(show)
            .push(Router::with_path("rate").post(set_rate))
            .push(Router::with_path("resume").post(resume))
            .push(Router::with_path("stop").post(stop)),
    )
}

#[handler]
#[boxed]
async fn list(req: &mut Request, depot: &mut Depot) -> Result<Json<Value>, ApiError> {
    let (limit, offset) = page(req)?;
    let (found, total) = operations(depot)?.bulks(u32::try_from(limit).unwrap_or(u32::MAX), offset).await?;
    let shown: Vec<Value> = found.iter().map(dead_letters::progress).collect();
    let pagination = pagination(total, limit, offset, shown.len());
    Ok(Json(views::success(&json!({ "redrives": shown, "pagination": pagination }))))
}

#[handler]
#[boxed]
async fn show(req: &mut Request, depot: &mut Depot) -> Result<Json<Value>, ApiError> {
    let id = named(req)?;
    let found = operations(depot)?.bulk(id).await?.ok_or_else(missing)?;
    Ok(Json(shown(&found)))
}

#[handler]
#[boxed]
async fn stop(req: &mut Request, depot: &mut Depot) -> Result<Json<Value>, ApiError> {
    let (id, why) = (named(req)?, body::<Why>(req).await?);
    let stopped = operations(depot)?.stop_bulk(id, &actor(depot, why.reason)?).await?;
    Ok(Json(shown(&stopped)))
}

/// Another rate: letters a second, as fast as it goes if null.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rate {
    // Missing, it would be taken for null.
    #[serde(deserialize_with = "Option::deserialize")]
    rate: Option<f64>,
    reason: Option<String>,
}

#[handler]
#[boxed]
async fn set_rate(req: &mut Request, depot: &mut Depot) -> Result<Json<Value>, ApiError> {
    let (id, rate) = (named(req)?, body::<Rate>(req).await?);
    let actor = actor(depot, rate.reason)?;
    let changed = operations(depot)?.set_bulk_rate(id, rate.rate, &actor).await?;
    Ok(Json(shown(&changed)))
}

/// How it goes on.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Resume {
    rate: Option<f64>,
    reason: Option<String>,
}

#[handler]
#[boxed]
async fn resume(req: &mut Request, depot: &mut Depot, res: &mut Response) -> Result<(), ApiError> {
    let (id, Resume { rate, reason }) = (named(req)?, body::<Resume>(req).await?);
    let begun = operations(depot)?.resume_bulk(id, rate, &actor(depot, reason)?).await?;
    accepted(&begun, req, res)
}

/// 202 with the bulk redrive that was begun, and where its progress is.
pub(super) fn accepted(begun: &Progress, req: &Request, res: &mut Response) -> Result<(), ApiError> {
    res.status_code(StatusCode::ACCEPTED);
    let path = RequestInfo::of(req)?.path(&format!("/api/admin/redrives/{}", begun.run.id));
    if let Ok(location) = HeaderValue::from_str(&path) {
        res.headers_mut().insert(LOCATION, location);
    }
    res.render(Json(shown(begun)));
    Ok(())
}

fn shown(progress: &Progress) -> Value {
    views::success(&dead_letters::progress(progress))
}

fn operations(depot: &Depot) -> Result<&Operations, ApiError> {
    Ok(&AppState::of(depot)?.platform.operations)
}

fn named(req: &Request) -> Result<Uuid, ApiError> {
    Uuid::parse_str(&req.param::<String>("id").unwrap_or_default()).map_err(|_| missing())
}

fn missing() -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "REDRIVE_NOT_FOUND", "there is no such bulk redrive")
}
