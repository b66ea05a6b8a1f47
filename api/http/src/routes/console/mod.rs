//! `/console/`: the page for people. It does what it does through the routes of the API,
//! and all its addresses are relative, so that it works below any path that a proxy adds.

mod files;

use std::sync::Arc;

use async_trait::async_trait;
use salvo::http::StatusCode;
use salvo::http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, LOCATION,
    UPGRADE, VARY,
};
use salvo::prelude::{Depot, FlowCtrl, Handler, Request, Response, Router, handler};

use self::files::Files;
use crate::boxed;
use crate::compress::takes_gzip;
use crate::error::ApiError;

/// What the page may load and do.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; \
                      connect-src 'self'; frame-src 'self'; font-src 'none'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// The page, as it is called from the server's root.
const CONSOLE: &str = "console/";

/// The routes.
pub(crate) fn router() -> Router {
    Router::with_path("console").get(page).push(Router::with_path("{version}/{file}").get(file))
}

#[handler]
#[boxed]
async fn page(req: &mut Request, res: &mut Response) -> Result<(), ApiError> {
    // The page's relative addresses begin behind this slash.
    if !req.uri().path().ends_with('/') {
        redirect(res);
        return Ok(());
    }
    let found = current()?;
    let headers = res.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    // Another version of the program has another page.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    res.body(found.page.clone());
    Ok(())
}

#[handler]
#[boxed]
async fn file(req: &mut Request, res: &mut Response) -> Result<(), ApiError> {
    let version = req.param::<String>("version").unwrap_or_default();
    let name = req.param::<String>("file").unwrap_or_default();
    let found = current()?.file(&version, &name).ok_or_else(ApiError::no_route)?;
    let gzip = takes_gzip(req.headers());
    let headers = res.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(found.content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    headers.append(VARY, HeaderValue::from_static("accept-encoding"));
    if gzip {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    res.body(if gzip { found.gzip } else { found.bytes });
    Ok(())
}

fn current() -> Result<Arc<Files>, ApiError> {
    Files::current()
        .map_err(|error| ApiError::internal(&format!("the console's files can't be read: {error}")))
}

/// Middleware that sends a browser that opens the server's address to the console.
pub(crate) struct ConsoleForBrowsers;

#[async_trait]
impl Handler for ConsoleForBrowsers {
    async fn handle(&self, req: &mut Request, depot: &mut Depot, res: &mut Response, ctrl: &mut FlowCtrl) {
        if wants_page(req) {
            redirect(res);
            ctrl.skip_rest();
        } else {
            ctrl.call_next(req, depot, res).await;
        }
    }
}

/// Whether a browser asks, for something to show. One that opens a socket asks for an
/// upgrade.
fn wants_page(req: &Request) -> bool {
    let accepted = req.headers().get_all(ACCEPT).into_iter().filter_map(|list| list.to_str().ok());
    let mut accepted = accepted.flat_map(|list| list.split(','));
    !req.headers().contains_key(UPGRADE)
        && accepted.any(|kind| {
            kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/html"))
        })
}

fn redirect(res: &mut Response) {
    res.status_code(StatusCode::FOUND);
    res.headers_mut().insert(LOCATION, HeaderValue::from_static(CONSOLE));
    // A program that asks the same address is answered otherwise.
    res.headers_mut().append(VARY, HeaderValue::from_static("accept, upgrade"));
}
