//! `/auth/login` and `/auth/callback`: a browser signs in at the provider. Both answer
//! people, with a redirect: what failed is told by the console, which does not try again
//! by itself.

use salvo::http::StatusCode;
use salvo::http::header::{HeaderValue, LOCATION};
use salvo::prelude::{Depot, Request, Response, handler};

use super::session::{give, may_have_session};
use crate::app_state::AppState;
use crate::auth::cookies::SIGN_IN;
use crate::auth::jwt::code_flow::{Begun, CodeFlow, SIGN_IN_WITHIN};
use crate::boxed;
use crate::error::ApiError;
use crate::request_info::RequestInfo;

/// The console, as it is called from these routes.
const CONSOLE: &str = "../console/";

/// Why a sign-in failed that has no code of the API's.
const DENIED: &str = "SIGN_IN_DENIED";
const EXPIRED: &str = "SIGN_IN_EXPIRED";
const FAILED: &str = "SIGN_IN_FAILED";

#[handler]
#[boxed]
pub(crate) async fn login(req: &mut Request, depot: &mut Depot, res: &mut Response) -> Result<(), ApiError> {
    let flow = flow(AppState::of(depot)?)?;
    let base = RequestInfo::of(req)?.base.clone();
    may_have_session(&base)?;
    let begun = Begun::new(&req.query::<String>("return").unwrap_or_default());
    match flow.address(&begun).await {
        Ok(address) => {
            SIGN_IN.set(res, &base, &begun.cookie(), SIGN_IN_WITHIN);
            redirect(res, address.as_str());
        }
        Err(error) => {
            tracing::warn!(%error, "a sign-in could not begin");
            tell(res, ApiError::away_for_now("identity provider").code());
        }
    }
    Ok(())
}

#[handler]
#[boxed]
pub(crate) async fn callback(
    req: &mut Request,
    depot: &mut Depot,
    res: &mut Response,
) -> Result<(), ApiError> {
    let state = AppState::of(depot)?;
    let flow = flow(state)?;
    let RequestInfo { base, client, .. } = RequestInfo::of(req)?.clone();
    let begun = SIGN_IN.read(req, &base).as_deref().and_then(Begun::parse);
    // Whatever comes of it, it is over.
    SIGN_IN.clear(res, &base);
    let begun = match answered(req, begun) {
        Ok(begun) => begun,
        Err(code) => {
            tell(res, code);
            return Ok(());
        }
    };
    let Some(code) = req.query::<String>("code") else {
        tell(res, FAILED);
        return Ok(());
    };
    let asked = async {
        let token = flow.token(&begun, &code).await?;
        state.auth.authenticate(&token).await
    };
    // Every process may be asked with codes that somebody made up.
    let engine = state.platform.records.engine();
    // Boxed: it holds the state of the provider's and the database's client.
    match Box::pin(state.authenticator.sign_in(engine, client, &code, asked)).await {
        Ok((caller, secret)) => {
            give(res, state, &base, &caller, &secret);
            redirect(res, &format!("{CONSOLE}{}", begun.return_to));
        }
        Err(error) => {
            tracing::warn!(code = error.code(), reason = error.message(), "a sign-in at the provider failed");
            tell(res, error.code());
        }
    }
    Ok(())
}

fn flow(state: &AppState) -> Result<&CodeFlow, ApiError> {
    state.auth.code_flow().ok_or_else(ApiError::no_route)
}

/// What this browser began, if the provider answers that and nothing went wrong there.
fn answered(req: &Request, begun: Option<Begun>) -> Result<Begun, &'static str> {
    let state = req.query::<String>("state").unwrap_or_default();
    let begun = begun.filter(|begun| begun.is_answered_by(&state)).ok_or(EXPIRED)?;
    match req.query::<String>("error").as_deref() {
        None => Ok(begun),
        Some("access_denied") => Err(DENIED),
        Some(error) => {
            let error: String = error.chars().filter(|c| c.is_ascii_graphic()).take(100).collect();
            tracing::warn!(
                error,
                "the identity provider refused a sign-in; check UNTXT_OIDC_CLIENT_ID and its scopes"
            );
            Err(FAILED)
        }
    }
}

/// Has the console say why nobody is signed in.
fn tell(res: &mut Response, code: &str) {
    redirect(res, &format!("{CONSOLE}#/sign-in?error={code}"));
}

fn redirect(res: &mut Response, to: &str) {
    match HeaderValue::from_str(to) {
        Ok(to) => {
            res.status_code(StatusCode::FOUND);
            res.headers_mut().insert(LOCATION, to);
        }
        Err(_) => ApiError::internal("a redirect leads to no address").render(res),
    }
}
