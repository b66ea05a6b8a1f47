//! What operators see and do, under `/api/admin`: one middleware before all of it,
//! one file for each subject.

mod audit;
mod dead_letters;
mod keys;
mod overview;
mod plugins;
mod queues;
mod redrives;
mod retries;
mod workers;

use async_trait::async_trait;
use salvo::http::Method;
use salvo::prelude::{Depot, FlowCtrl, Handler, Request, Response, Router};
use serde::Deserialize;

use super::body::has_json;
use crate::app_state::AppState;
use crate::auth::middleware::RequireScope;
use crate::auth::principal::{Principal, Scope};
use crate::error::ApiError;
use crate::origin::{own_name, own_page};
use untxt_workflows::redrive::Actor;

/// The routes.
pub(crate) fn router() -> Router {
    Router::with_path("api/admin")
        .hoop(OperatorsOnly)
        .hoop(RequireScope::scope(Scope::Operate))
        .push(Router::with_path("audit").get(audit::audit))
        .push(dead_letters::router())
        .push(keys::router())
        .push(Router::with_path("overview").get(overview::overview))
        .push(redrives::router())
        .push(plugins::router())
        .push(workers::router())
        .push(retries::router())
        .push(
            Router::with_path("queues")
                .get(queues::list)
                .push(Router::with_path("pause").post(queues::pause))
                .push(Router::with_path("resume").post(queues::resume))
                .push(Router::with_path("limit").post(queues::limit)),
        )
}

/// Lets no page of another site in, and no form: what changes something comes
/// as JSON, which a page can't send here without this server's consent.
struct OperatorsOnly;

#[async_trait]
impl Handler for OperatorsOnly {
    async fn handle(&self, req: &mut Request, depot: &mut Depot, res: &mut Response, ctrl: &mut FlowCtrl) {
        match allowed(req, depot) {
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

fn allowed(req: &Request, depot: &Depot) -> Result<(), ApiError> {
    // A page of whichever site presents no key.
    if !AppState::of(depot)?.auth.asks() {
        own_name(req)?;
    }
    own_page(req)?;
    match *req.method() {
        Method::GET | Method::HEAD => Ok(()),
        _ => has_json(req),
    }
}

/// Why something is done.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Why {
    reason: Option<String>,
}

/// Who asks, and why. What stands in the audit has to be readable.
fn actor(depot: &Depot, reason: Option<String>) -> Result<Actor, ApiError> {
    let reason = reason.unwrap_or_default();
    if reason.chars().count() > REASON_CHARS_MAX || reason.chars().any(char::is_control) {
        let message = format!("at most {REASON_CHARS_MAX} characters on one line");
        return Err(ApiError::field("reason", message));
    }
    Ok(Actor { by: Principal::of(depot)?.name().to_owned(), reason })
}

/// Characters of a reason.
const REASON_CHARS_MAX: usize = 1_000;
