//! What stands before routes: who calls, and whether they may.

use async_trait::async_trait;
use salvo::http::header::AUTHORIZATION;
use salvo::http::{Method, StatusCode};
use salvo::prelude::{Depot, FlowCtrl, Handler, Request, Response};

use super::Auth;
use super::caller::{Caller, Scope};
use super::failures::Failures;
use crate::doors::Doors;
use crate::error::ApiError;
use crate::site::Seen;

/// Names under which a secret does not belong into an address.
const SECRETS: [&str; 5] = ["token", "access_token", "id_token", "api_key", "apikey"];

/// Puts the [`Caller`] into the depot, or answers 401.
pub(crate) struct Authenticate;

#[async_trait]
impl Handler for Authenticate {
    async fn handle(&self, req: &mut Request, depot: &mut Depot, res: &mut Response, ctrl: &mut FlowCtrl) {
        let caller = caller(req, depot).await;
        admit(caller, req, depot, res, ctrl).await;
    }
}

async fn admit(
    caller: Result<Option<Caller>, ApiError>,
    req: &mut Request,
    depot: &mut Depot,
    res: &mut Response,
    ctrl: &mut FlowCtrl,
) {
    let nobody = || ApiError::unauthenticated("send `Authorization: Bearer` with a key or token", false);
    match caller.and_then(|caller| caller.ok_or_else(nobody)) {
        Ok(caller) => {
            depot.insert_typed(caller);
            ctrl.call_next(req, depot, res).await;
        }
        Err(error) => refuse(error, res, ctrl),
    }
}

/// The same where there are no [`Doors`]: at a worker's listener.
pub(crate) struct AuthenticateOperator {
    pub(crate) auth: Auth,
    pub(crate) failures: Failures,
}

#[async_trait]
impl Handler for AuthenticateOperator {
    async fn handle(&self, req: &mut Request, depot: &mut Depot, res: &mut Response, ctrl: &mut FlowCtrl) {
        let caller = known(req, &self.auth, &self.failures).await;
        admit(caller, req, depot, res, ctrl).await;
    }
}

/// The same for sockets: who says nothing yet may say it in the first message.
/// Then there is no caller in the depot.
pub(crate) struct AuthenticateSocket;

#[async_trait]
impl Handler for AuthenticateSocket {
    async fn handle(&self, req: &mut Request, depot: &mut Depot, res: &mut Response, ctrl: &mut FlowCtrl) {
        match caller(req, depot).await {
            Ok(caller) => {
                if let Some(caller) = caller {
                    depot.insert_typed(caller);
                }
                ctrl.call_next(req, depot, res).await;
            }
            Err(error) => refuse(error, res, ctrl),
        }
    }
}

/// Lets those through whose scopes allow what the routes behind it do.
pub(crate) struct Needs {
    reading: Scope,
    changing: Scope,
}

impl Needs {
    /// One scope for all that is behind it.
    pub(crate) fn scope(scope: Scope) -> Self {
        Self { reading: scope, changing: scope }
    }

    /// What users do with tasks.
    pub(crate) fn of_users() -> Self {
        Self { reading: Scope::Read, changing: Scope::Submit }
    }
}

#[async_trait]
impl Handler for Needs {
    async fn handle(&self, req: &mut Request, depot: &mut Depot, res: &mut Response, ctrl: &mut FlowCtrl) {
        let scope = if reads(req) { self.reading } else { self.changing };
        match Caller::of(depot).and_then(|caller| caller.may(scope)) {
            Ok(()) => {
                ctrl.call_next(req, depot, res).await;
            }
            Err(error) => refuse(error, res, ctrl),
        }
    }
}

fn refuse(error: ApiError, res: &mut Response, ctrl: &mut FlowCtrl) {
    error.render(res);
    ctrl.skip_rest();
}

fn reads(req: &Request) -> bool {
    matches!(*req.method(), Method::GET | Method::HEAD)
}

/// Who calls; `None` when nothing was presented.
async fn caller(req: &Request, depot: &Depot) -> Result<Option<Caller>, ApiError> {
    let doors = Doors::of(depot)?;
    known(req, &doors.auth, &doors.failures).await
}

/// The same, as `auth` tells it.
async fn known(req: &Request, auth: &Auth, failures: &Failures) -> Result<Option<Caller>, ApiError> {
    let from = Seen::of(req)?.client;
    if !auth.asks() {
        return Ok(Some(Caller::unasked(from)));
    }
    no_secret_in_the_address(req)?;
    if let Some(token) = token(req)? {
        return failures.watch(from, &token, auth.authenticate(&token)).await.map(Some);
    }
    match req.query::<String>("ticket") {
        Some(ticket) if reads(req) => failures.watch(from, &ticket, auth.redeem(&ticket)).await.map(Some),
        _ => Ok(None),
    }
}

/// Addresses end in logs, histories and `Referer` headers.
fn no_secret_in_the_address(req: &Request) -> Result<(), ApiError> {
    let Some(name) = SECRETS.into_iter().find(|name| req.queries().contains_key(*name)) else {
        return Ok(());
    };
    let message = format!(
        "`{name}` does not belong into the address: send it as `Authorization: Bearer`, \
         as a socket's first message, or get a ticket from POST /api/tickets"
    );
    Err(ApiError::new(StatusCode::BAD_REQUEST, "TOKEN_IN_URL", message))
}

/// The key or token that the headers carry.
fn token(req: &Request) -> Result<Option<String>, ApiError> {
    let Some(value) = req.headers().get(AUTHORIZATION) else {
        return Ok(req.header::<String>("x-api-key"));
    };
    let text = value.to_str().unwrap_or_default();
    match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Some(token.trim().to_owned())),
        _ => Err(ApiError::unauthenticated(
            "the Authorization header is not `Bearer` and a key or token",
            true,
        )),
    }
}
