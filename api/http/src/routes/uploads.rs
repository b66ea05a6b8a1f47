//! `/api/uploads`: large files, which clients put into the store themselves.

use salvo::http::StatusCode;
use salvo::prelude::{Depot, Json, Request, Response, handler};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use untxt_workflows::entities::upload;
use untxt_workflows::uploads::{BegunUpload, NewUpload};
use uuid::Uuid;

use super::create::{idempotency_key, show};
use super::objects::embedded_at;
use super::task_params::TaskParams;
use super::{asked_user, body};
use crate::app_state::AppState;
use crate::auth::principal::Principal;
use crate::boxed;
use crate::error::ApiError;
use crate::request_info::RequestInfo;
use crate::views;

/// What is to be put.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Announced {
    user_id: Option<Uuid>,
    filename: String,
    bytes: u64,
    sha256: Option<String>,
}

#[handler]
#[boxed]
pub(crate) async fn begin(req: &mut Request, depot: &mut Depot, res: &mut Response) -> Result<(), ApiError> {
    let state = AppState::of(depot)?;
    let Announced { user_id, filename, bytes: size_bytes, sha256 } = body(req).await?;
    let user = Principal::of(depot)?.acts_for(user_id)?;
    let embedded_at = Some(embedded_at(req)?);
    let wanted = NewUpload { user, filename, size_bytes, sha256, embedded_at };
    let begun = state.platform.tasks.begin_upload(wanted).await?;
    res.status_code(StatusCode::CREATED);
    res.render(Json(views::success(&shown(&begun))));
    Ok(())
}

fn shown(begun: &BegunUpload) -> Value {
    let headers: Map<String, Value> =
        begun.put.headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    json!({
        "uploadId": begun.upload.id,
        "method": "PUT",
        "url": begun.put.url,
        "headers": headers,
        "expiresIn": begun.put_within.as_secs(),
    })
}

#[handler]
#[boxed]
pub(crate) async fn complete(
    req: &mut Request,
    depot: &mut Depot,
    res: &mut Response,
) -> Result<(), ApiError> {
    let state = AppState::of(depot)?;
    let upload = named_upload(req, depot).await?;
    let idempotency_key = idempotency_key(req)?;
    let wanted =
        body::<TaskParams>(req).await?.of(upload.user_id, upload.filename.clone(), idempotency_key)?;
    let submission = state.platform.tasks.complete_upload(&upload, wanted).await?;
    show(&submission, RequestInfo::of(req)?, res);
    Ok(())
}

#[handler]
#[boxed]
pub(crate) async fn give_up(req: &mut Request, depot: &mut Depot) -> Result<Json<Value>, ApiError> {
    let upload = named_upload(req, depot).await?;
    AppState::of(depot)?.platform.tasks.give_up_upload(&upload).await?;
    Ok(Json(views::success(&json!({ "uploadId": upload.id, "givenUp": true }))))
}

/// The upload that the path names. To others than its user it is not there.
async fn named_upload(req: &Request, depot: &Depot) -> Result<upload::Model, ApiError> {
    let text = req.param::<String>("id").unwrap_or_default();
    let missing = || {
        let message = "there is no such upload, or it has expired";
        ApiError::new(StatusCode::NOT_FOUND, "UPLOAD_NOT_FOUND", message)
    };
    let id = Uuid::parse_str(&text).map_err(|_| missing())?;
    let (asked, caller) = (asked_user(req)?, Principal::of(depot)?);
    let found = AppState::of(depot)?.platform.tasks.upload(id).await?;
    let theirs = |upload: &upload::Model| {
        caller.sees(upload.user_id) && asked.is_none_or(|user| user == upload.user_id)
    };
    found.filter(theirs).ok_or_else(missing)
}
