//! `/api/admin/dead-letters`: listed, shown, redriven, discarded; one or those
//! that a filter lets through.

use std::collections::BTreeMap;

use salvo::http::StatusCode;
use salvo::prelude::{Depot, Json, Request, Response, Router, handler};
use serde::Deserialize;
use serde_json::{Value, json};
use untxt_engine::journal::dead_letters::{DeadLetterFilter, DeadLetterStatus};
use untxt_workflows::redrive::bulk::Action;
use untxt_workflows::redrive::{RedriveError, RedriveOptions};
use uuid::Uuid;

use super::super::body;
use super::super::list::number;
use super::{Why, actor, redrives};
use crate::app_state::AppState;
use crate::boxed;
use crate::error::ApiError;
use crate::{dead_letters, views};

const LIMIT_DEFAULT: u64 = 50;
const LIMIT_MAX: u64 = 200;

/// Groups that a list shows.
const GROUPS_MAX: u32 = 100;

pub(super) fn router() -> Router {
    Router::with_path("dead-letters")
        .get(list)
        .push(Router::with_path("redrive").post(redrive_many))
        .push(Router::with_path("discard").post(discard_many))
        .push(Router::with_path("groups").get(group))
        .push(
            Router::with_path("{id}")
                .get(show)
                .push(Router::with_path("redrive").post(redrive))
                .push(Router::with_path("discard").post(discard)),
        )
}

#[handler]
#[boxed]
async fn list(req: &mut Request, depot: &mut Depot) -> Result<Json<Value>, ApiError> {
    let state = AppState::of(depot)?;
    let (limit, offset) = (number(req, "limit", LIMIT_DEFAULT)?, number(req, "offset", 0)?);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(ApiError::field("limit", format!("must be 1 to {LIMIT_MAX}")));
    }
    let wanted = req.queries().iter().filter(|(name, _)| !matches!(name.as_str(), "limit" | "offset"));
    let filter = filter(wanted.map(|(name, value)| (name.as_str(), value.as_str())))?;
    let limit_rows = u32::try_from(limit).unwrap_or(1);
    let (found, total) = state.platform.records.engine().dead_letters(&filter, limit_rows, offset).await?;
    let shown: Vec<Value> = found.iter().map(dead_letters::letter).collect();
    let has_more = offset + (shown.len() as u64) < total;
    let pagination = json!({ "total": total, "limit": limit, "offset": offset, "hasMore": has_more });
    Ok(Json(views::success(&json!({ "deadLetters": shown, "pagination": pagination }))))
}

#[handler]
#[boxed]
async fn group(req: &mut Request, depot: &mut Depot) -> Result<Json<Value>, ApiError> {
    let state = AppState::of(depot)?;
    let limit = number(req, "limit", LIMIT_DEFAULT)?;
    if !(1..=u64::from(GROUPS_MAX)).contains(&limit) {
        return Err(ApiError::field("limit", format!("must be 1 to {GROUPS_MAX}")));
    }
    let wanted = req.queries().iter().filter(|(name, _)| *name != "limit");
    let mut filter = filter(wanted.map(|(name, value)| (name.as_str(), value.as_str())))?;
    filter.state = filter.state.or(Some(DeadLetterStatus::Waiting));
    let asked = u32::try_from(limit).unwrap_or(1);
    let mut found = state.platform.records.engine().dead_letter_groups(&filter, asked + 1).await?;
    let has_more = found.len() > asked as usize;
    found.truncate(asked as usize);
    let groups: Vec<Value> = found.iter().map(dead_letters::group).collect();
    Ok(Json(views::success(&json!({ "groups": groups, "hasMore": has_more }))))
}

fn filter<'a>(wanted: impl Iterator<Item = (&'a str, &'a str)>) -> Result<DeadLetterFilter, ApiError> {
    let mut filter = DeadLetterFilter::default();
    for (name, value) in wanted {
        dead_letters::set_filter(&mut filter, name, value).map_err(|reason| ApiError::field(name, reason))?;
    }
    Ok(filter)
}

#[handler]
#[boxed]
async fn show(req: &mut Request, depot: &mut Depot) -> Result<Json<Value>, ApiError> {
    let state = AppState::of(depot)?;
    Ok(Json(views::success(&shown(state, named(req)?).await?)))
}

async fn shown(state: &AppState, id: Uuid) -> Result<Value, ApiError> {
    let shown = dead_letters::shown(state.platform.records.engine(), id).await?;
    Ok(shown.ok_or(RedriveError::NoLetter(id))?)
}

fn named(req: &Request) -> Result<Uuid, ApiError> {
    let text = req.param::<String>("id").unwrap_or_default();
    Uuid::parse_str(&text).map_err(|_| {
        ApiError::new(StatusCode::NOT_FOUND, "DEAD_LETTER_NOT_FOUND", "not an id of a dead letter")
    })
}

/// How one goes on, or why it is given up.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct One {
    from_step: Option<String>,
    engine: Option<String>,
    #[serde(default)]
    only_failed_pages: bool,
    reason: Option<String>,
}

#[handler]
#[boxed]
async fn redrive(req: &mut Request, depot: &mut Depot) -> Result<Json<Value>, ApiError> {
    let state = AppState::of(depot)?;
    let (id, one) = (named(req)?, body::<One>(req).await?);
    let how = RedriveOptions {
        from_step: one.from_step,
        engine: one.engine,
        only_failed_pages: one.only_failed_pages,
    };
    state.platform.operations.redrive_letter(id, &how, &actor(depot, one.reason)?).await?;
    Ok(Json(views::success(&shown(state, id).await?)))
}

#[handler]
#[boxed]
async fn discard(req: &mut Request, depot: &mut Depot) -> Result<Json<Value>, ApiError> {
    let state = AppState::of(depot)?;
    let (id, why) = (named(req)?, body::<Why>(req).await?);
    state.platform.operations.discard_letter(id, &actor(depot, why.reason)?).await?;
    Ok(Json(views::success(&shown(state, id).await?)))
}

/// Many.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Many {
    #[serde(default)]
    filter: BTreeMap<String, String>,
    /// Without a filter it has to be said that all are meant.
    #[serde(default)]
    all: bool,
    #[serde(default)]
    dry_run: bool,
    rate: Option<f64>,
    from_step: Option<String>,
    engine: Option<String>,
    #[serde(default)]
    only_failed_pages: bool,
    reason: Option<String>,
}

#[handler]
#[boxed]
async fn redrive_many(req: &mut Request, depot: &mut Depot, res: &mut Response) -> Result<(), ApiError> {
    let many = body::<Many>(req).await?;
    let how = RedriveOptions {
        from_step: many.from_step.clone(),
        engine: many.engine.clone(),
        only_failed_pages: many.only_failed_pages,
    };
    go_through(Action::Redrive(how), many, req, depot, res).await
}

#[handler]
#[boxed]
async fn discard_many(req: &mut Request, depot: &mut Depot, res: &mut Response) -> Result<(), ApiError> {
    let many = body::<Many>(req).await?;
    if many.from_step.is_some() || many.engine.is_some() || many.only_failed_pages {
        return Err(ApiError::field("fromStep", "not allowed when discarding"));
    }
    go_through(Action::Discard, many, req, depot, res).await
}

/// 202 with the run that goes through them; what would be done, for a dry run.
async fn go_through(
    action: Action,
    many: Many,
    req: &Request,
    depot: &Depot,
    res: &mut Response,
) -> Result<(), ApiError> {
    let state = AppState::of(depot)?;
    if many.filter.is_empty() && !many.all {
        return Err(ApiError::field("filter", "empty; set \"all\": true to select all dead letters"));
    }
    let filter = filter(many.filter.iter().map(|(name, value)| (name.as_str(), value.as_str())))?;
    if many.dry_run {
        let plan = state.platform.operations.plan_bulk(&filter).await?;
        res.render(Json(views::success(&dead_letters::plan(&plan))));
        return Ok(());
    }
    let run =
        state.platform.operations.begin_bulk(action, &filter, many.rate, &actor(depot, many.reason)?).await?;
    let begun = state.platform.operations.bulk(run.id.0).await?;
    let erased = || ApiError::internal("the bulk redrive was erased as it began");
    redrives::accepted(&begun.ok_or_else(erased)?, req, res)
}
