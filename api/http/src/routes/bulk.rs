//! `POST /api/tasks/bulk`: cancels, retries or erases all of a user's tasks that a filter
//! lets through, each as its own route does.

use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use salvo::prelude::{Depot, Json, Request, handler};
use serde::Deserialize;
use serde_json::{Value, json};
use untxt_workflows::entities::task;
use untxt_workflows::records::Records;
use untxt_workflows::task_queries::TaskFilter;
use uuid::Uuid;

use super::body::body;
use super::cancel::cancel_task;
use super::erase::erase_task;
use super::list::{statuses, text};
use super::retry::retry_task;
use crate::app_state::AppState;
use crate::auth::principal::Principal;
use crate::boxed;
use crate::error::ApiError;
use crate::origin::same_origin;
use crate::views;

/// Tasks that a request can name: as many as a list shows, in a body of 16 KiB.
const NAMED_MAX: usize = 200;

/// Tasks of one request.
const TASKS_MAX: usize = 1_000;

/// Tasks at once: the database takes them one after the other, a store does not.
const AT_ONCE: usize = 8;

/// How long a request begins with further tasks, so that it ends before proxies give up.
const BEGINS_FOR: Duration = Duration::from_secs(20);

/// Failures that are told one by one.
const FAILURES_TOLD: usize = 100;

/// Tasks that are read at once.
const PAGE: u64 = 200;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Wanted {
    action: Action,
    filter: Filter,
    user_id: Option<Uuid>,
    #[serde(default)]
    dry_run: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Filter {
    status: Option<Vec<String>>,
    q: Option<String>,
    engine: Option<String>,
    tasks: Option<Vec<Uuid>>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Action {
    Cancel,
    Retry,
    Erase,
}

impl Action {
    /// Statuses of tasks with which it can be done.
    fn statuses(self) -> &'static [&'static str] {
        match self {
            Self::Cancel => &["queued", "processing", "retrying"],
            Self::Retry => &["failed", "partial"],
            Self::Erase => &[],
        }
    }
}

#[handler]
#[boxed]
pub(crate) async fn bulk(req: &mut Request, depot: &mut Depot) -> Result<Json<Value>, ApiError> {
    same_origin(req)?;
    let wanted: Wanted = body(req).await?;
    let state = AppState::of(depot)?;
    let records = &state.platform.records;
    let user = Principal::of(depot)?.acts_for(wanted.user_id)?;
    let matched = matched(records, &wanted, user).await?;
    if wanted.dry_run {
        return Ok(answer(&matched, 0, &[], matched.count > matched.tasks.len() as u64));
    }
    let (began, action, depot) = (Instant::now(), wanted.action, &*depot);
    let mut acts = Vec::with_capacity(matched.tasks.len());
    for task in &matched.tasks {
        acts.push(async move {
            if began.elapsed() >= BEGINS_FOR {
                return None;
            }
            Some(act(depot, state, action, task).await.map_err(|error| (task.id, error)))
        });
    }
    let outcomes: Vec<_> = stream::iter(acts).buffer_unordered(AT_ONCE).collect().await;
    let begun = outcomes.iter().flatten().count();
    let done = outcomes.iter().flatten().filter(|outcome| outcome.is_ok()).count();
    let failures: Vec<(Uuid, ApiError)> = outcomes.into_iter().flatten().filter_map(Result::err).collect();
    let more = matched.count > begun as u64;
    Ok(answer(&matched, done, &failures, more))
}

async fn act(depot: &Depot, state: &AppState, action: Action, task: &task::Model) -> Result<(), ApiError> {
    match action {
        Action::Cancel => cancel_task(depot, state, task).await,
        Action::Retry => retry_task(depot, state, task).await,
        Action::Erase => erase_task(depot, state, task).await,
    }
}

/// The tasks that a request is about.
struct Matched {
    /// [`TASKS_MAX`] at most.
    tasks: Vec<task::Model>,
    count: u64,
    is_lower_bound: bool,
    /// Those that were named, and that the filter does not let through.
    missing: Vec<Uuid>,
}

async fn matched(records: &Records, wanted: &Wanted, user: Uuid) -> Result<Matched, ApiError> {
    let filter = filter(wanted, user)?;
    if let Some(ids) = &wanted.filter.tasks {
        if ids.len() > NAMED_MAX {
            return Err(ApiError::field("filter.tasks", format!("at most {NAMED_MAX} tasks")));
        }
        let rows = records.tasks_among(&filter, ids).await?;
        let missing = ids.iter().filter(|id| rows.iter().all(|(task, _)| task.id != **id)).copied().collect();
        let tasks: Vec<task::Model> = rows.into_iter().map(|(task, _)| task).collect();
        return Ok(Matched { count: tasks.len() as u64, is_lower_bound: false, missing, tasks });
    }
    let (mut tasks, mut after) = (Vec::new(), None);
    while tasks.len() < TASKS_MAX {
        let limit = PAGE.min((TASKS_MAX - tasks.len()) as u64);
        let list = records.task_list(&filter, after, limit).await?;
        tasks.extend(list.rows.into_iter().map(|(task, _)| task));
        after = list.next;
        if after.is_none() {
            let count = tasks.len() as u64;
            return Ok(Matched { tasks, count, is_lower_bound: false, missing: Vec::new() });
        }
    }
    let all = records.task_count(&filter).await?;
    // One more at least: there is a cursor to go on from.
    let count = all.count.max(tasks.len() as u64 + 1);
    Ok(Matched { tasks, count, is_lower_bound: all.is_lower_bound, missing: Vec::new() })
}

/// Tasks that are named are tried whatever their status is, and say why it can't be done.
fn filter(wanted: &Wanted, user: Uuid) -> Result<TaskFilter, ApiError> {
    let asked = &wanted.filter;
    let words = asked.status.iter().flatten().map(String::as_str);
    let mut statuses = statuses("filter.status", words)?;
    let possible = wanted.action.statuses();
    if asked.tasks.is_none() && !possible.is_empty() {
        let is_any = statuses.is_empty();
        let allowed = possible.iter().map(|status| (*status).to_owned());
        statuses = allowed.filter(|status| is_any || statuses.contains(status)).collect();
        if statuses.is_empty() {
            return Err(ApiError::field("filter.status", format!("must be some of {}", possible.join(", "))));
        }
    }
    Ok(TaskFilter {
        user: Some(user),
        statuses,
        engine: text("filter.engine", asked.engine.clone())?,
        name: text("filter.q", asked.q.clone())?,
    })
}

fn answer(matched: &Matched, done: usize, failures: &[(Uuid, ApiError)], more: bool) -> Json<Value> {
    let missing = matched.missing.iter().map(|id| (*id, ApiError::no_task(&id.to_string())));
    let missing: Vec<(Uuid, ApiError)> = missing.collect();
    let failed = failures.iter().chain(&missing);
    let told: Vec<Value> = failed
        .clone()
        .take(FAILURES_TOLD)
        .map(|(task, error)| json!({ "taskId": task, "code": error.code(), "message": error.message() }))
        .collect();
    Json(views::success(&json!({
        "matched": matched.count,
        "matchedIsLowerBound": matched.is_lower_bound,
        "done": done,
        "failed": told,
        "failedCount": failed.count(),
        "more": more,
    })))
}
