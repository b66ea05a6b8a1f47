//! What operators see and do, under `/api/admin`. One hoop before all of it;
//! one file a thing.

mod audit;
mod bulk;
mod dead_letters;
mod queues;
mod retries;
mod workers;

use async_trait::async_trait;
use salvo::http::header::CONTENT_TYPE;
use salvo::http::{Method, StatusCode};
use salvo::prelude::{Depot, FlowCtrl, Handler, Request, Response, Router};

use super::origin::{own_name, same_origin};
use crate::error::ApiError;
use untxt_workflows::redrive::Asker;

/// The routes.
pub(crate) fn router() -> Router {
    Router::with_path("api/admin")
        .hoop(OperatorsOnly)
        .push(Router::with_path("audit").get(audit::audit))
        .push(dead_letters::router())
        .push(Router::with_path("redrives/{id}").get(bulk::progress))
        .push(Router::with_path("workers").get(workers::list))
        .push(Router::with_path("retries").get(retries::list))
        .push(
            Router::with_path("queues")
                .get(queues::list)
                .push(Router::with_path("pause").post(queues::pause))
                .push(Router::with_path("resume").post(queues::resume))
                .push(Router::with_path("limit").post(queues::limit)),
        )
}

/// Who calls, as the audit names it. Callers are not asked who they are, so it
/// is where they call from.
pub(crate) fn actor(req: &Request) -> String {
    match req.remote_addr().ip() {
        Some(ip) => format!("api:{ip}"),
        None => "api".to_owned(),
    }
}

/// Lets no page of another site in, and no form: what changes something comes
/// as JSON, which a page can't send here without this server's consent.
struct OperatorsOnly;

#[async_trait]
impl Handler for OperatorsOnly {
    async fn handle(&self, req: &mut Request, depot: &mut Depot, res: &mut Response, ctrl: &mut FlowCtrl) {
        match allowed(req) {
            Ok(()) => {
                ctrl.call_next(req, depot, res).await;
            }
            Err(error) => {
                error.render(res);
                ctrl.skip_rest();
            }
        }
    }
}

fn allowed(req: &Request) -> Result<(), ApiError> {
    own_name(req)?;
    same_origin(req)?;
    let reads = matches!(*req.method(), Method::GET | Method::HEAD);
    if reads || is_json(req) {
        return Ok(());
    }
    let message = "send the body as application/json, {} when there is nothing to say";
    Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "NOT_JSON", message))
}

fn is_json(req: &Request) -> bool {
    let text = req.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    text.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

/// Bytes of a body: a filter with every field, and a reason.
const BODY_BYTES_MAX: usize = 16 << 10;

/// The body, which says what `T` knows and nothing else.
async fn body<T: serde::de::DeserializeOwned>(req: &mut Request) -> Result<T, ApiError> {
    let malformed = |error: &dyn std::fmt::Display| {
        ApiError::new(StatusCode::BAD_REQUEST, "MALFORMED_BODY", format!("the body can't be read: {error}"))
    };
    let bytes = req.payload_with_max_size(BODY_BYTES_MAX).await.map_err(|error| malformed(&error))?;
    let text: &[u8] = if bytes.is_empty() { b"{}" } else { bytes };
    serde_json::from_slice(text).map_err(|error| malformed(&error))
}

/// Who asks, and why. What stands in the audit has to be readable.
fn asker(req: &Request, reason: Option<String>) -> Result<Asker, ApiError> {
    let reason = reason.unwrap_or_default();
    if reason.chars().count() > REASON_CHARS_MAX || reason.chars().any(char::is_control) {
        let message = format!("at most {REASON_CHARS_MAX} characters on one line");
        return Err(ApiError::field("reason", message));
    }
    Ok(Asker { by: actor(req), reason })
}

/// Characters of a reason.
const REASON_CHARS_MAX: usize = 1_000;
