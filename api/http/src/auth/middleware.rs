//! Middleware that authenticates callers and checks their scopes.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use async_trait::async_trait;
use salvo::http::header::AUTHORIZATION;
use salvo::http::{Method, StatusCode};
use salvo::prelude::{Depot, FlowCtrl, Handler, Request, Response};
use untxt_engine::engine::Engine;

use super::cookies::SESSION;
use super::error::unauthenticated;
use super::failures::Failures;
use super::principal::{Principal, Scope};
use super::{Auth, AuthError};
use crate::error::ApiError;
use crate::origin::session_counts;
use crate::request_info::RequestInfo;

/// Query parameters under which clients send secrets in URLs by mistake.
const SECRETS: [&str; 5] = ["token", "access_token", "id_token", "api_key", "apikey"];

/// Authenticates callers, and limits failed attempts. The router puts one into the
/// depot.
#[derive(Clone)]
pub(crate) struct Authenticator {
    auth: Arc<Auth>,
    failures: Arc<Failures>,
}

impl Authenticator {
    /// Authenticates with `auth`; so many failures a minute are answered from one
    /// address.
    #[must_use]
    pub(crate) fn new(auth: Arc<Auth>, failures_per_minute: Option<NonZeroU32>) -> Self {
        Self { auth, failures: Arc::new(Failures::new(failures_per_minute)) }
    }

    /// Whose key or token `presented` is, which came from that address.
    ///
    /// # Errors
    /// 401, 429 `AUTH_RATE_LIMITED`, and 503 when keys can't be read.
    pub(crate) async fn authenticate(
        &self,
        from: Option<IpAddr>,
        presented: &str,
    ) -> Result<Principal, ApiError> {
        self.failures.watch(from, presented, self.auth.authenticate(presented)).await
    }

    /// Who sends the request; `None` when it carries no credentials.
    async fn caller(&self, req: &Request) -> Result<Option<Principal>, ApiError> {
        let from = RequestInfo::of(req)?.client;
        if !self.auth.asks() {
            return Ok(Some(Principal::anonymous(from)));
        }
        refuse_secret_in_url(req)?;
        if let Some(token) = token(req)? {
            return self.authenticate(from, &token).await.map(Some);
        }
        if let Some(ticket) = req.query::<String>("ticket").filter(|_| reads(req)) {
            return self.failures.watch(from, &ticket, self.auth.redeem(&ticket)).await.map(Some);
        }
        match SESSION.read(req, &RequestInfo::of(req)?.base) {
            Some(secret) if session_counts(req)? => {
                self.failures.watch(from, &secret, self.auth.in_session(&secret)).await.map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Begins a session of whoever `asked` finds, from that address, who `presented`
    /// something; the caller in it, and the secret for the cookie.
    ///
    /// # Errors
    /// Those of [`authenticate`](Self::authenticate).
    pub(crate) async fn sign_in(
        &self,
        engine: &Engine,
        from: Option<IpAddr>,
        presented: &str,
        asked: impl Future<Output = Result<Principal, AuthError>>,
    ) -> Result<(Principal, String), ApiError> {
        let caller = self.failures.watch(from, presented, asked).await?;
        Ok(self.auth.sign_in(engine, caller).await?)
    }
}

/// Who sends the request, by the [`Authenticator`] in the depot.
async fn caller(req: &Request, depot: &Depot) -> Result<Option<Principal>, ApiError> {
    let missing = |_| ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", "internal error");
    depot.get_typed::<Authenticator>().map_err(missing)?.caller(req).await
}

/// Middleware that puts the [`Principal`] into the depot, or answers 401.
pub(crate) struct Authenticate;

#[async_trait]
impl Handler for Authenticate {
    async fn handle(&self, req: &mut Request, depot: &mut Depot, res: &mut Response, ctrl: &mut FlowCtrl) {
        let nobody =
            || unauthenticated("send `Authorization: Bearer` with a key or token, or sign in", false);
        match caller(req, depot).await.and_then(|caller| caller.ok_or_else(nobody)) {
            Ok(caller) => {
                depot.insert_typed(caller);
                ctrl.call_next(req, depot, res).await;
            }
            Err(error) => refuse(error, res, ctrl),
        }
    }
}

/// The same for sockets: a client without credentials may send them in its first
/// message. Until then there is no [`Principal`] in the depot.
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

/// Middleware that requires a scope.
pub(crate) struct RequireScope {
    reading: Scope,
    changing: Scope,
}

impl RequireScope {
    /// The same scope for all methods.
    pub(crate) fn scope(scope: Scope) -> Self {
        Self { reading: scope, changing: scope }
    }

    /// The scopes for tasks: `read` for GET and HEAD, `submit` for all else.
    pub(crate) fn of_users() -> Self {
        Self { reading: Scope::Read, changing: Scope::Submit }
    }
}

#[async_trait]
impl Handler for RequireScope {
    async fn handle(&self, req: &mut Request, depot: &mut Depot, res: &mut Response, ctrl: &mut FlowCtrl) {
        let scope = if reads(req) { self.reading } else { self.changing };
        match Principal::of(depot).and_then(|caller| caller.may(scope)) {
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

/// URLs end up in logs, histories and `Referer` headers.
fn refuse_secret_in_url(req: &Request) -> Result<(), ApiError> {
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
        _ => Err(unauthenticated("the Authorization header is not `Bearer` and a key or token", true)),
    }
}
