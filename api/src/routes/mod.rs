//! One file a route.

pub(crate) mod admin;
mod body;
pub(crate) mod cancel;
pub(crate) mod create;
pub(crate) mod docs;
pub(crate) mod erase;
pub(crate) mod events;
pub(crate) mod get;
pub(crate) mod health;
pub(crate) mod history;
pub(crate) mod list;
pub(crate) mod origin;
pub(crate) mod result;
pub(crate) mod retry;
pub(crate) mod socket;
pub(crate) mod status;
pub(crate) mod uploads;

use salvo::prelude::Request;
use untxt_workflows::tables::{file, task};
use uuid::Uuid;

use self::body::body;
use crate::doors::Doors;
use crate::error::ApiError;

/// The task that the path names, with its file.
async fn named_task(req: &Request, doors: &Doors) -> Result<(task::Model, file::Model), ApiError> {
    let text = req.param::<String>("id").unwrap_or_default();
    let id = Uuid::parse_str(&text).map_err(|_| ApiError::no_task(&text))?;
    doors.platform.task(id).await?.ok_or_else(|| ApiError::no_task(&text))
}

/// The same task, unless the query names a user whose it is not: to others a
/// task is not there.
fn owned(
    req: &Request,
    (task, file): (task::Model, file::Model),
) -> Result<(task::Model, file::Model), ApiError> {
    match req.query::<String>("userId") {
        Some(text) if parse_user(&text)? != task.user_id => Err(ApiError::no_task(&task.id.to_string())),
        _ => Ok((task, file)),
    }
}

/// The user that a query names.
fn user(req: &Request) -> Result<Uuid, ApiError> {
    let text = req.query::<String>("userId").ok_or_else(|| ApiError::field("userId", "it is missing"))?;
    parse_user(&text)
}

/// The user that `text` is the id of.
fn parse_user(text: &str) -> Result<Uuid, ApiError> {
    Uuid::parse_str(text.trim()).map_err(|_| ApiError::field("userId", "it is not a UUID"))
}
