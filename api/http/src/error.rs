//! Failures as clients see them: a status, a stable code, a message. What lies
//! underneath goes to the log, under the request's id.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use salvo::http::header::{HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use salvo::http::{StatusCode, StatusError};
use salvo::prelude::{Depot, Json, Request, Response, Writer};
use sea_orm::DbErr;
use serde_json::{Value, json};
use untxt_engine::journal::JournalError;
use untxt_engine::journal::database::is_full;
use untxt_plugins::PluginError;
use untxt_workflows::bulk_redrives::BulkError;
use untxt_workflows::disk_space::DiskFull;
use untxt_workflows::documents::DocumentError;
use untxt_workflows::erase::EraseError;
use untxt_workflows::incoming::IncomingError;
use untxt_workflows::objects::ObjectError;
use untxt_workflows::page_images::{OriginalError, PageImageError};
use untxt_workflows::quota::QuotaError;
use untxt_workflows::redrive::RedriveError;
use untxt_workflows::retries::RetryError;
use untxt_workflows::submit::SubmitError;
use untxt_workflows::uploads::UploadError;

use crate::codes;

/// Seconds after which a client may ask again when a store is away.
const RETRY_AFTER_SECONDS: u64 = 2;

/// Seconds after which there may be room on the disk: uploads that are under way
/// have ended by then, one way or the other.
const ROOM_RETRY_AFTER_SECONDS: u64 = 30;

/// Seconds after which a place may be free again.
const CONNECTION_RETRY_AFTER_SECONDS: u64 = 30;

/// A failed request.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    code: String,
    message: String,
    details: Value,
    retry_after_seconds: Option<u64>,
    /// What the `WWW-Authenticate` header asks for.
    challenge: Option<Box<str>>,
}

impl ApiError {
    /// A failure with a stable code and a message for people.
    pub fn new(status: StatusCode, code: impl Into<String>, message: impl Into<String>) -> Self {
        let retry_after_seconds = (status == StatusCode::SERVICE_UNAVAILABLE).then_some(RETRY_AFTER_SECONDS);
        let (code, message, details) = (code.into(), message.into(), json!({}));
        Self { status, code, message, details, retry_after_seconds, challenge: None }
    }

    /// The same, to be asked again after `seconds`.
    #[must_use]
    pub fn retry_after(self, seconds: u64) -> Self {
        Self { retry_after_seconds: Some(seconds), ..self }
    }

    /// The same, which asks for other credentials (`WWW-Authenticate`).
    #[must_use]
    pub fn with_challenge(self, challenge: String) -> Self {
        Self { challenge: Some(challenge.into()), ..self }
    }

    /// The same, with details for machines.
    #[must_use]
    pub fn with_details(self, details: Value) -> Self {
        Self { details, ..self }
    }

    /// A field of the request is not valid.
    #[must_use]
    pub fn field(field: &str, reason: impl Into<String>) -> Self {
        let message = format!("{field}: {}", reason.into());
        let details = json!({ "field": field });
        Self { details, ..Self::new(StatusCode::BAD_REQUEST, "INVALID_FIELD", message) }
    }

    /// The body can't be read.
    #[must_use]
    pub fn malformed_body(reason: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "MALFORMED_BODY", format!("the body can't be read: {reason}"))
    }

    /// The body is larger than the route takes.
    #[must_use]
    pub fn body_too_large(bytes_max: usize) -> Self {
        let message = format!("the body may have at most {bytes_max} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE", message)
    }

    /// The body arrived too slowly.
    #[must_use]
    pub fn too_slow(limit: Duration) -> Self {
        let message = format!("the body arrived too slowly: too few bytes within {limit:?}");
        Self::new(StatusCode::REQUEST_TIMEOUT, "REQUEST_TOO_SLOW", message)
    }

    /// The head of a request did not end in time.
    #[must_use]
    pub fn late_head(limit: Duration) -> Self {
        let message = format!("the request's head did not end within {limit:?}");
        Self::new(StatusCode::REQUEST_TIMEOUT, "REQUEST_TOO_SLOW", message)
    }

    /// The bytes that are asked for are behind the end.
    #[must_use]
    pub fn no_such_bytes(size_bytes: u64) -> Self {
        let message = format!("range: the content has {size_bytes} bytes");
        let details = json!({ "bytes": size_bytes });
        Self { details, ..Self::new(StatusCode::RANGE_NOT_SATISFIABLE, "RANGE_NOT_SATISFIABLE", message) }
    }

    /// A fault of the server's own. What it was is for the log.
    #[must_use]
    pub fn internal(what: &str) -> Self {
        tracing::error!("{what}");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", "internal error")
    }

    /// There is no such route.
    #[must_use]
    pub fn no_route() -> Self {
        Self::new(StatusCode::NOT_FOUND, "NOT_FOUND", "there is no such route; /docs lists all routes")
    }

    /// There is no such task, or it is somebody else's.
    #[must_use]
    pub fn no_task(id: &str) -> Self {
        let id: String = id.chars().filter(|c| !c.is_control()).take(64).collect();
        Self::new(StatusCode::NOT_FOUND, "TASK_NOT_FOUND", format!("there is no task {id}"))
    }

    /// The request is for another user than the caller.
    #[must_use]
    pub fn not_yours() -> Self {
        let message = "userId: belongs to another user; leave it out, or call with the scope `operate`";
        let details = json!({ "field": "userId" });
        Self { details, ..Self::new(StatusCode::FORBIDDEN, "FORBIDDEN", message) }
    }

    /// The status it comes with.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// For machines.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// For people.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Work should not be sent here now, for want of these; what is on a full disk
    /// is named.
    #[must_use]
    pub fn not_ready(missing: &[&str], full: &[&str]) -> Self {
        let message = format!("not ready: {}", missing.join(", "));
        let mut details = json!({ "lacks": missing });
        if !full.is_empty() {
            details["full"] = json!(full);
        }
        Self { details, ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "NOT_READY", message) }
    }

    /// A store is away; what is underneath is logged, not told.
    pub(crate) fn away(what: &str, error: &dyn std::error::Error) -> Self {
        tracing::error!(%error, what, "a request failed");
        Self::away_for_now(what)
    }

    /// A disk is full; which one is logged, not told.
    fn no_room(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "a request was refused: the disk is full");
        let message = "the server's disk is full; try again later";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "NO_ROOM", message).retry_after(ROOM_RETRY_AFTER_SECONDS)
    }

    /// The `what` can't be used now.
    #[must_use]
    pub fn away_for_now(what: &str) -> Self {
        let message = format!("the {what} does not answer; try again in {RETRY_AFTER_SECONDS} s");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "SERVICE_UNAVAILABLE", message)
    }

    /// A user has as many connections that stay open as one may.
    #[must_use]
    pub fn too_many_connections(per_user: usize) -> Self {
        let message = format!("{per_user} sockets and streams of this user are open; close one first");
        Self::new(StatusCode::TOO_MANY_REQUESTS, "TOO_MANY_CONNECTIONS", message)
            .retry_after(CONNECTION_RETRY_AFTER_SECONDS)
    }

    /// Too much that lets nobody in came from where this comes from.
    #[must_use]
    pub fn too_many_failures(wait: Duration) -> Self {
        let message =
            "too many failed authentications from this address; valid credentials are still accepted";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "AUTH_RATE_LIMITED", message)
            .retry_after(whole_seconds(wait))
    }

    /// As JSON.
    #[must_use]
    pub fn body(&self) -> Value {
        debug_assert!(codes::find(&self.code).is_some(), "{} is not in `CODES`", self.code);
        let error = json!({ "code": self.code, "message": self.message, "details": self.details });
        json!({ "success": false, "error": error })
    }
}

#[async_trait]
impl Writer for ApiError {
    async fn write(self, _req: &mut Request, _depot: &mut Depot, res: &mut Response) {
        self.render(res);
    }
}

impl ApiError {
    /// Makes `res` say it.
    pub fn render(self, res: &mut Response) {
        res.status_code(self.status);
        if let Some(seconds) = self.retry_after_seconds {
            res.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(challenge) = self.challenge.as_deref().and_then(|text| HeaderValue::from_str(text).ok()) {
            res.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        res.render(Json(self.body()));
    }
}

impl From<&StatusError> for ApiError {
    fn from(error: &StatusError) -> Self {
        let code = match error.code {
            StatusCode::NOT_FOUND => "NOT_FOUND",
            StatusCode::METHOD_NOT_ALLOWED => "METHOD_NOT_ALLOWED",
            StatusCode::PAYLOAD_TOO_LARGE => "PAYLOAD_TOO_LARGE",
            status if status.is_server_error() => "INTERNAL",
            _ => "BAD_REQUEST",
        };
        Self::new(error.code, code, error.name.clone())
    }
}

impl From<DocumentError> for ApiError {
    fn from(error: DocumentError) -> Self {
        let status = match &error {
            DocumentError::Empty => StatusCode::BAD_REQUEST,
            DocumentError::UnsupportedType { .. } | DocumentError::UnsupportedVariant { .. } => {
                StatusCode::UNSUPPORTED_MEDIA_TYPE
            }
            DocumentError::RendererUnavailable(_) => {
                let away = Self::away("decoder", &error);
                return Self { code: error.code().to_owned(), ..away };
            }
            DocumentError::Busy => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Self::new(status, error.code(), error.to_string())
    }
}

impl From<Arc<PageImageError>> for ApiError {
    fn from(error: Arc<PageImageError>) -> Self {
        match &*error {
            PageImageError::Document(error) => error.clone().into(),
            PageImageError::Original(OriginalError::DiskFull(error)) => error.clone().into(),
            PageImageError::Original(OriginalError::Disk(error)) => Self::away("server's disk", error),
            PageImageError::Original(OriginalError::Objects(error)) => Self::away("object store", error),
            PageImageError::Original(error @ OriginalError::Corrupt { .. }) => {
                Self::internal(&error.to_string())
            }
            PageImageError::ShuttingDown => Self::away_for_now("server"),
        }
    }
}

impl From<IncomingError> for ApiError {
    fn from(error: IncomingError) -> Self {
        match error {
            IncomingError::TooLarge { .. } => {
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, "FILE_TOO_LARGE", error.to_string())
            }
            IncomingError::Document(error) => error.into(),
            IncomingError::DiskFull(error) => error.into(),
            IncomingError::Disk(error) => Self::away("server's disk", &error),
        }
    }
}

impl From<DiskFull> for ApiError {
    fn from(error: DiskFull) -> Self {
        Self::no_room(&error)
    }
}

impl From<QuotaError> for ApiError {
    fn from(error: QuotaError) -> Self {
        let message = error.to_string();
        let (code, wait) = match error {
            QuotaError::Rate { retry_after, .. } => ("RATE_LIMITED", retry_after),
            QuotaError::InFlight { retry_after, .. } => ("QUOTA_EXCEEDED", retry_after),
            QuotaError::Database(error) => return error.into(),
        };
        Self::new(StatusCode::TOO_MANY_REQUESTS, code, message).retry_after(whole_seconds(wait))
    }
}

impl From<UploadError> for ApiError {
    fn from(error: UploadError) -> Self {
        let message = error.to_string();
        match error {
            UploadError::Field { field, reason } => Self::field(field, reason),
            UploadError::TooMany { retry_after } => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "QUOTA_EXCEEDED", message)
                    .retry_after(whole_seconds(retry_after))
            }
            UploadError::Completed(_) | UploadError::CompletedOtherwise(_) => {
                Self::new(StatusCode::CONFLICT, "UPLOAD_COMPLETED", message)
            }
            UploadError::NotThere => Self::new(StatusCode::CONFLICT, "UPLOAD_NOT_THERE", message),
            UploadError::Differs(_) => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "UPLOAD_DIFFERS", message),
            UploadError::Incoming(error) => error.into(),
            UploadError::Submit(error) => error.into(),
        }
    }
}

impl From<EraseError> for ApiError {
    fn from(error: EraseError) -> Self {
        match error {
            // Retried as often as it was cancelled.
            EraseError::Journal(JournalError::Refused(_)) => {
                let message = "the task was retried at the same time; try again";
                Self::new(StatusCode::CONFLICT, "TASK_GOES_ON", message)
            }
            EraseError::Journal(error) => error.into(),
            EraseError::Database(error) => error.into(),
        }
    }
}

impl From<SubmitError> for ApiError {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Field { field, reason } => Self::field(field, reason),
            SubmitError::Document(error) => error.into(),
            SubmitError::Engine(error) => engine(&error),
            SubmitError::Quota(error) => error.into(),
            SubmitError::KeyReused(_) => {
                Self::new(StatusCode::CONFLICT, "IDEMPOTENCY_KEY_REUSED", error.to_string())
            }
            SubmitError::Objects(error) => error.into(),
            SubmitError::Journal(error) => error.into(),
            SubmitError::Database(error) => error.into(),
        }
    }
}

/// Rounded up: who comes back then is not too early.
fn whole_seconds(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis().div_ceil(1_000).max(1)).unwrap_or(u64::MAX)
}

/// An engine that can't be had; where the server keeps its engines is not for
/// clients.
fn engine(error: &PluginError) -> ApiError {
    let unusable = |message| ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, error.code(), message);
    match error {
        PluginError::Busy { .. } | PluginError::Sandbox(_) => ApiError::away("engine sandbox", error),
        PluginError::Unreadable { .. } => ApiError::away("engine directory", error),
        PluginError::NotFound { name, known, .. } => {
            unusable(format!("there is no engine `{name}`; there are: {known}"))
        }
        PluginError::Gone { name, digest, .. } => {
            unusable(format!("engine `{name}` with digest {digest} is gone; name another"))
        }
        other => unusable(other.to_string()),
    }
}

impl From<RetryError> for ApiError {
    fn from(error: RetryError) -> Self {
        let message = error.to_string();
        match error {
            RetryError::NoRun(_) => Self::new(StatusCode::NOT_FOUND, "RUN_NOT_FOUND", message),
            RetryError::NoRetry { .. } => Self::new(StatusCode::CONFLICT, "NO_RETRY_PENDING", message),
            RetryError::Journal(error) => error.into(),
        }
    }
}

impl From<BulkError> for ApiError {
    fn from(error: BulkError) -> Self {
        let message = error.to_string();
        match error {
            BulkError::NoRedrive(_) => Self::new(StatusCode::NOT_FOUND, "REDRIVE_NOT_FOUND", message),
            BulkError::Ended { .. } => Self::new(StatusCode::CONFLICT, "REDRIVE_ENDED", message),
            BulkError::Running(_) => Self::new(StatusCode::CONFLICT, "REDRIVE_RUNNING", message),
            BulkError::Rate(reason) => Self::field("rate", reason),
            BulkError::Journal(error) => error.into(),
        }
    }
}

impl From<RedriveError> for ApiError {
    fn from(error: RedriveError) -> Self {
        let message = error.to_string();
        match error {
            RedriveError::NoLetter(_) => Self::new(StatusCode::NOT_FOUND, "DEAD_LETTER_NOT_FOUND", message),
            RedriveError::NoTask(id) => Self::no_task(&id.to_string()),
            RedriveError::Field { field, reason } => Self::field(field, reason),
            RedriveError::Refused { code, .. } => Self::new(StatusCode::CONFLICT, code, message),
            RedriveError::Engine(error) => engine(&error),
            RedriveError::Journal(error) => error.into(),
        }
    }
}

impl From<ObjectError> for ApiError {
    fn from(error: ObjectError) -> Self {
        Self::away("object store", &error)
    }
}

impl From<JournalError> for ApiError {
    fn from(error: JournalError) -> Self {
        match error {
            JournalError::Pruned(_) => {
                let message = "the task's history is past its retention";
                Self::new(StatusCode::GONE, "HISTORY_PRUNED", message)
            }
            JournalError::Full(error) => Self::no_room(&error),
            error => Self::away("journal", &error),
        }
    }
}

impl From<DbErr> for ApiError {
    fn from(error: DbErr) -> Self {
        if is_full(&error) { Self::no_room(&error) } else { Self::away("database", &error) }
    }
}
