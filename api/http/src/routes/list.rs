//! `GET /api/tasks`: a user's tasks, newest first, or those that changed.

use chrono::{DateTime, Utc};
use salvo::prelude::{Depot, Json, Request, handler};
use serde_json::{Map, Value, json};
use untxt_engine::state::RunStatus;
use untxt_workflows::catch_up::ChangeCursor;
use untxt_workflows::entities::task;
use untxt_workflows::records::Records;
use untxt_workflows::task_lists::{ListCursor, Listed};
use untxt_workflows::task_queries::TaskFilter;
use uuid::Uuid;

use super::asked_user;
use super::pages::flag;
use crate::app_state::AppState;
use crate::auth::principal::Principal;
use crate::boxed;
use crate::error::ApiError;
use crate::views;

const LIMIT_DEFAULT: u64 = 50;
const LIMIT_MAX: u64 = 200;

/// Characters of a name or an engine that can be asked for: names of files have no more.
const FILTER_CHARS_MAX: usize = 255;

#[handler]
#[boxed]
pub(crate) async fn list(req: &mut Request, depot: &mut Depot) -> Result<Json<Value>, ApiError> {
    let state = AppState::of(depot)?;
    let records = &state.platform.records;
    let user = Principal::of(depot)?.acts_for(asked_user(req)?)?;
    let filter = filter(req, user)?;
    let (limit, offset) = page(req)?;
    // Before the tasks are read: what changes meanwhile is told by the next list.
    let as_of = records.now();
    let (rows, pagination) = match changed_since(req)? {
        Some(since) => changed(req, records, &filter, user, since, limit).await?,
        None if has_new_filter(req, &filter) => listed(req, records, &filter, limit, offset).await?,
        None => paged(records, &filter, limit, offset).await?,
    };
    let pages = records.page_counts(&rows).await?;
    let pages_of = |task: &task::Model| pages.get(&task.id).copied().unwrap_or_default();
    let tasks: Vec<Value> = rows.iter().map(|(task, file)| views::task(task, file, pages_of(task))).collect();
    let mut data = json!({ "tasks": tasks, "pagination": pagination, "asOf": views::time(as_of) });
    if flag(req, "counts")? {
        data["counts"] = counts(records, &filter).await?;
    }
    Ok(Json(views::success(&data)))
}

/// By number: all are counted.
async fn paged(
    records: &Records,
    filter: &TaskFilter,
    limit: u64,
    offset: u64,
) -> Result<(Vec<Listed>, Value), ApiError> {
    let (rows, total) = records.tasks(filter, limit, offset).await?;
    let mut pagination = pagination(total, limit, offset, rows.len());
    let next = rows.last().map(|(task, _)| ListCursor::of(task));
    let next = next.filter(|_| pagination["hasMore"] == true).map(|next| next.to_string());
    pagination["next"] = json!(next);
    pagination["totalIsLowerBound"] = json!(false);
    Ok((rows, pagination))
}

/// By cursor: no more are counted than anybody reads.
async fn listed(
    req: &Request,
    records: &Records,
    filter: &TaskFilter,
    limit: u64,
    offset: u64,
) -> Result<(Vec<Listed>, Value), ApiError> {
    if offset > 0 {
        return Err(ApiError::field("offset", "use `after` with `q`, `engine` and several statuses"));
    }
    let after = cursor::<ListCursor>(req)?;
    let found = records.task_list(filter, after, limit).await?;
    let total = records.task_count(filter).await?;
    let next = found.next.map(|next| next.to_string());
    let pagination = json!({
        "total": total.count, "totalIsLowerBound": total.is_lower_bound, "limit": limit, "offset": 0,
        "hasMore": next.is_some(), "next": next,
    });
    Ok((found.rows, pagination))
}

/// Those that have not ended or changed since, the longest unchanged first. How many
/// there are is not counted.
async fn changed(
    req: &Request,
    records: &Records,
    filter: &TaskFilter,
    user: Uuid,
    since: DateTime<Utc>,
    limit: u64,
) -> Result<(Vec<Listed>, Value), ApiError> {
    let after = cursor::<ChangeCursor>(req)?.unwrap_or(ChangeCursor::START);
    let found = records.changed_tasks(user, filter, since, after, limit).await?;
    let next = found.next.map(|next| next.to_string());
    let pagination = json!({
        "total": found.rows.len(), "totalIsLowerBound": next.is_some() || after != ChangeCursor::START,
        "limit": limit, "offset": 0, "hasMore": next.is_some(), "next": next,
    });
    Ok((found.rows, pagination))
}

async fn counts(records: &Records, filter: &TaskFilter) -> Result<Value, ApiError> {
    let counts = records.status_counts(filter).await?;
    let counts = counts.into_iter().map(|(status, count)| (status.as_str().to_owned(), json!(count.count)));
    Ok(Value::Object(counts.collect::<Map<_, _>>()))
}

/// Which page of a list a query asks for: `limit` and `offset`.
pub(super) fn page(req: &Request) -> Result<(u64, u64), ApiError> {
    let limit = number(req, "limit", LIMIT_DEFAULT)?;
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(ApiError::field("limit", format!("must be 1 to {LIMIT_MAX}")));
    }
    Ok((limit, number(req, "offset", 0)?))
}

/// What a page of a list says about the whole.
pub(super) fn pagination(total: u64, limit: u64, offset: u64, shown: usize) -> Value {
    let has_more = offset + (shown as u64) < total;
    json!({ "total": total, "limit": limit, "offset": offset, "hasMore": has_more })
}

fn filter(req: &Request, user: Uuid) -> Result<TaskFilter, ApiError> {
    let statuses =
        req.query::<String>("status").map(|words| statuses("status", words.split(','))).transpose()?;
    Ok(TaskFilter {
        user: Some(user),
        statuses: statuses.unwrap_or_default(),
        engine: text("engine", req.query::<String>("engine"))?,
        name: text("q", req.query::<String>("q"))?,
    })
}

/// The statuses that words stand for.
pub(super) fn statuses<'a>(
    field: &str,
    words: impl Iterator<Item = &'a str>,
) -> Result<Vec<String>, ApiError> {
    words
        .map(|word| match RunStatus::parse(word.trim()) {
            Some(status) => Ok(status.as_str().to_owned()),
            None => Err(ApiError::field(field, "unknown status")),
        })
        .collect()
}

/// A text to look for, if there is one.
pub(super) fn text(field: &str, text: Option<String>) -> Result<Option<String>, ApiError> {
    let text = text.filter(|text| !text.is_empty());
    if text.as_ref().is_some_and(|text| text.chars().count() > FILTER_CHARS_MAX || text.contains('\0')) {
        return Err(ApiError::field(field, format!("must have at most {FILTER_CHARS_MAX} characters")));
    }
    Ok(text)
}

/// Whether the list is read by cursor: when a cursor is given, also an empty one, and
/// when tasks are looked for that can't be counted by an index.
fn has_new_filter(req: &Request, filter: &TaskFilter) -> bool {
    let is_looked_for = filter.name.is_some() || filter.engine.is_some() || filter.statuses.len() > 1;
    is_looked_for || req.queries().contains_key("after")
}

/// The cursor that is given; none for the beginning.
fn cursor<C: std::str::FromStr<Err: std::fmt::Display>>(req: &Request) -> Result<Option<C>, ApiError> {
    let text = req.query::<String>("after").filter(|text| !text.is_empty());
    text.map(|text| text.parse().map_err(|error| ApiError::field("after", format!("{error}")))).transpose()
}

fn changed_since(req: &Request) -> Result<Option<DateTime<Utc>>, ApiError> {
    let Some(text) = req.query::<String>("changedSince") else { return Ok(None) };
    let time = DateTime::parse_from_rfc3339(&text);
    time.map(|time| Some(time.to_utc()))
        .map_err(|_| ApiError::field("changedSince", "must be a time such as 2026-11-26T08:09:10Z"))
}

pub(super) fn number(req: &Request, name: &'static str, default: u64) -> Result<u64, ApiError> {
    let Some(text) = req.query::<String>(name) else { return Ok(default) };
    let number: u32 = text.parse().map_err(|_| ApiError::field(name, "not a number"))?;
    Ok(u64::from(number))
}
