//! One file a route.

pub(crate) mod admin;
pub(crate) mod archive;
mod body;
pub(crate) mod bulk;
pub(crate) mod cancel;
pub(crate) mod console;
pub(crate) mod content;
pub(crate) mod create;
pub(crate) mod docs;
pub(crate) mod engines;
pub(crate) mod erase;
pub(crate) mod events;
pub(crate) mod get;
pub(crate) mod health;
pub(crate) mod history;
pub(crate) mod list;
pub(crate) mod me;
pub(crate) mod metrics;
pub(crate) mod objects;
pub(crate) mod original;
pub(crate) mod page_image;
pub(crate) mod pages;
pub(crate) mod provider_sign_in;
pub(crate) mod ready;
pub(crate) mod result;
pub(crate) mod retry;
pub(crate) mod search;
pub(crate) mod session;
pub(crate) mod socket;
pub(crate) mod status;
mod task_params;
pub(crate) mod tickets;
pub(crate) mod uploads;
pub(crate) mod worker_status;

use std::fmt::Display;

use salvo::prelude::{Depot, Request};
use serde_json::json;
use untxt_workflows::entities::{file, task};
use uuid::Uuid;

use self::body::body;
use crate::app_state::AppState;
use crate::audit::AuditedAction;
use crate::auth::principal::Principal;
use crate::error::ApiError;

/// The task that the path names, with its file. To others than its user it is
/// not there, nor when the query names a user whose it is not.
async fn named_task(req: &Request, depot: &Depot) -> Result<(task::Model, file::Model), ApiError> {
    let (id, asked) = (named_id(req)?, asked_user(req)?);
    let found = AppState::of(depot)?.platform.records.task(id).await?;
    let caller = Principal::of(depot)?;
    found
        .filter(|(task, _)| caller.sees(task.user_id) && asked.is_none_or(|user| user == task.user_id))
        .ok_or_else(|| ApiError::no_task(&id.to_string()))
}

/// Runs `act` on a task. What an operator does to another user's task is recorded in the
/// audit log first.
///
/// # Errors
/// The journal's, when it can't be recorded; then nothing was done.
async fn audited<T, E: Display>(
    depot: &Depot,
    task: &task::Model,
    action: &str,
    act: impl Future<Output = Result<T, E>>,
) -> Result<Result<T, E>, ApiError> {
    let caller = Principal::of(depot)?;
    if caller.owns(task.user_id) {
        return Ok(act.await);
    }
    let engine = AppState::of(depot)?.platform.records.engine();
    let action = AuditedAction { engine, by: caller.name(), action, subject: &format!("run {}", task.id) };
    Ok(action.audited(json!({}), act, |_| json!({})).await?)
}

/// The id of a task in the path.
fn named_id(req: &Request) -> Result<Uuid, ApiError> {
    let text = req.param::<String>("id").unwrap_or_default();
    Uuid::parse_str(&text).map_err(|_| ApiError::no_task(&text))
}

/// The user that a query names, if it names one.
fn asked_user(req: &Request) -> Result<Option<Uuid>, ApiError> {
    req.query::<String>("userId").map(|text| parse_user(&text)).transpose()
}

/// The user that `text` is the id of.
fn parse_user(text: &str) -> Result<Uuid, ApiError> {
    Uuid::parse_str(text.trim()).map_err(|_| ApiError::field("userId", "not a UUID"))
}
