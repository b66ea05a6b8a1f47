//! `/api/session`: a browser signs in with a key and gets a cookie, and signs out.
//! `/api/sessions`: the sessions of the same caller in other browsers.

use std::time::Duration;

use salvo::http::StatusCode;
use salvo::prelude::{Depot, Json, Request, Response, handler};
use serde::Deserialize;
use serde_json::{Value, json};
use untxt_settings::base_url::BaseUrl;
use uuid::Uuid;

use super::{body, me};
use crate::app_state::AppState;
use crate::auth::cookies::SESSION;
use crate::auth::principal::Principal;
use crate::boxed;
use crate::error::ApiError;
use crate::request_info::RequestInfo;
use crate::views;

/// How somebody signs in here.
#[handler]
#[boxed]
pub(crate) async fn ways(depot: &mut Depot) -> Result<Json<Value>, ApiError> {
    let auth = &AppState::of(depot)?.auth;
    let data = json!({
        "authentication": if auth.asks() { "required" } else { "off" },
        "key": auth.takes_keys(),
        "provider": auth.code_flow().is_some(),
    });
    Ok(Json(views::success(&data)))
}

/// A key, or a token where callers present tokens.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Presented {
    key: String,
}

#[handler]
#[boxed]
pub(crate) async fn sign_in(
    req: &mut Request,
    depot: &mut Depot,
    res: &mut Response,
) -> Result<(), ApiError> {
    let state = AppState::of(depot)?;
    let RequestInfo { base, client, .. } = RequestInfo::of(req)?.clone();
    if !state.auth.asks() {
        let message = "nobody has to sign in here: UNTXT_AUTH is off";
        return Err(ApiError::new(StatusCode::CONFLICT, "AUTHENTICATION_OFF", message));
    }
    may_have_session(&base)?;
    let Presented { key } = body::<Presented>(req).await?;
    let engine = state.platform.records.engine();
    let asked = state.auth.authenticate(&key);
    // Boxed: it holds the state of the database's client.
    let signing_in = Box::pin(state.authenticator.sign_in(engine, client, &key, asked));
    let (caller, secret) = signing_in.await?;
    give(res, state, &base, &caller, &secret);
    res.status_code(StatusCode::CREATED);
    res.render(Json(views::success(&me::view(state, &caller))));
    Ok(())
}

/// Has the browser keep the secret of the session that `caller` is in, as long as it may
/// last.
pub(super) fn give(res: &mut Response, state: &AppState, base: &BaseUrl, caller: &Principal, secret: &str) {
    let now = state.platform.records.engine().now();
    let keep = caller.expires_at().map_or(Duration::ZERO, |at| at.since(now));
    SESSION.set(res, base, secret, keep);
}

/// Refuses sessions where anybody on the way could read the cookie.
///
/// # Errors
/// 403 `INSECURE_CONNECTION`.
pub(super) fn may_have_session(base: &BaseUrl) -> Result<(), ApiError> {
    if SESSION.may_be_set(base) {
        return Ok(());
    }
    let message = format!(
        "signing in at {base} would send the session's cookie unencrypted; use https, with TLS in a proxy that \
         UNTXT_TRUSTED_PROXIES or UNTXT_PUBLIC_URL names, or open the server as localhost on its own machine"
    );
    Err(ApiError::new(StatusCode::FORBIDDEN, "INSECURE_CONNECTION", message))
}

#[handler]
#[boxed]
pub(crate) async fn sign_out(
    req: &mut Request,
    depot: &mut Depot,
    res: &mut Response,
) -> Result<(), ApiError> {
    let (state, caller) = (AppState::of(depot)?, Principal::of(depot)?);
    let none = || no_session("the request is in no session");
    end_session(state, caller, caller.session().ok_or_else(none)?).await?;
    SESSION.clear(res, &RequestInfo::of(req)?.base);
    res.status_code(StatusCode::NO_CONTENT);
    Ok(())
}

#[handler]
#[boxed]
pub(crate) async fn list(depot: &mut Depot) -> Result<Json<Value>, ApiError> {
    let (state, caller) = (AppState::of(depot)?, Principal::of(depot)?);
    let sessions = state.auth.sessions().list(caller).await?;
    let sessions: Vec<Value> = sessions.iter().map(|session| session.view(caller.session())).collect();
    Ok(Json(views::success(&json!({ "sessions": sessions }))))
}

#[handler]
#[boxed]
pub(crate) async fn end(req: &mut Request, depot: &mut Depot, res: &mut Response) -> Result<(), ApiError> {
    let (state, caller) = (AppState::of(depot)?, Principal::of(depot)?);
    let text = req.param::<String>("id").unwrap_or_default();
    let id = Uuid::parse_str(&text).map_err(|_| no_session("there is no such session"))?;
    end_session(state, caller, id).await?;
    if caller.session() == Some(id) {
        SESSION.clear(res, &RequestInfo::of(req)?.base);
    }
    res.status_code(StatusCode::NO_CONTENT);
    Ok(())
}

async fn end_session(state: &AppState, caller: &Principal, id: Uuid) -> Result<(), ApiError> {
    let engine = state.platform.records.engine();
    if state.auth.sessions().end(engine, caller, id).await? {
        return Ok(());
    }
    Err(no_session("there is no such session"))
}

fn no_session(message: &str) -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "SESSION_NOT_FOUND", message)
}
