//! Middleware that refuses requests before any route sees them: those that would be
//! misread, and changes that pages of other sites ask for.

use std::sync::Arc;

use async_trait::async_trait;
use salvo::http::header::{CONTENT_ENCODING, HOST, HeaderValue, ORIGIN};
use salvo::http::{Method, StatusCode, Version};
use salvo::prelude::{Depot, FlowCtrl, Handler, Request, Response};

use crate::error::ApiError;
use crate::origin::{AllowedOrigin, is_listed, same_origin};

/// The middleware.
pub(crate) struct RequestChecks {
    /// Origins that are allowed beside the server's own.
    pub(crate) origins: Arc<[String]>,
}

#[async_trait]
impl Handler for RequestChecks {
    async fn handle(&self, req: &mut Request, depot: &mut Depot, res: &mut Response, ctrl: &mut FlowCtrl) {
        if req.headers().get(ORIGIN).is_some_and(|origin| is_listed(&self.origins, origin)) {
            req.extensions_mut().insert(AllowedOrigin);
        }
        if let Err(error) = well_formed(req).and_then(|()| refuse_cross_site(req)) {
            error.render(res);
            ctrl.skip_rest();
        } else {
            ctrl.call_next(req, depot, res).await;
        }
    }
}

/// Refuses requests that would be misread: with no or several `Host` headers, or with
/// a compressed body.
fn well_formed(req: &Request) -> Result<(), ApiError> {
    let hosts = req.headers().get_all(HOST).iter().count();
    if hosts > 1 || (hosts == 0 && req.version() >= Version::HTTP_11) {
        let message = format!("the request has {hosts} Host headers; it has to have one");
        return Err(ApiError::new(StatusCode::BAD_REQUEST, "BAD_REQUEST", message));
    }
    let plain = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
    if req.headers().get_all(CONTENT_ENCODING).iter().all(plain) {
        return Ok(());
    }
    let message = "the body is compressed (Content-Encoding); send it as it is";
    Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "BODY_ENCODED", message))
}

/// Refuses changes asked for by another site's page (CSRF): CORS only keeps it from
/// reading the response.
fn refuse_cross_site(req: &Request) -> Result<(), ApiError> {
    match *req.method() {
        Method::GET | Method::HEAD | Method::OPTIONS => Ok(()),
        _ => same_origin(req),
    }
}
