//! Middleware for requests from pages of other sites: allowed origins are answered with
//! CORS headers, and pages of all others may not change anything.

use std::sync::Arc;

use async_trait::async_trait;
use salvo::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, CONTENT_ENCODING,
    HOST, HeaderMap, HeaderValue, ORIGIN, VARY,
};
use salvo::http::{Method, StatusCode, Version};
use salvo::prelude::{Depot, FlowCtrl, Handler, Request, Response};

use crate::error::ApiError;
use crate::origin::{AllowedOrigin, same_origin};

const METHODS: &str = "GET, POST, PUT, DELETE";
const REQUEST_HEADERS: &str = "authorization, x-api-key, content-type, idempotency-key, last-event-id, range";
const RESPONSE_HEADERS: &str = "location, retry-after, www-authenticate, x-request-id";

/// Seconds for which a browser may reuse the answer to a preflight request.
const PREFLIGHT_MAX_AGE_SECONDS: HeaderValue = HeaderValue::from_static("600");

/// The middleware.
#[derive(Clone, Debug)]
pub(crate) struct Cors {
    origins: Arc<[String]>,
}

impl Cors {
    /// Allows these origins beside the server's own.
    pub(crate) fn new(origins: &[String]) -> Self {
        Self { origins: origins.into() }
    }

    /// The origin of a request, if it is allowed.
    fn allowed(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let origin = headers.get(ORIGIN)?;
        let text = origin.to_str().ok()?;
        self.origins.iter().any(|allowed| allowed.eq_ignore_ascii_case(text)).then(|| origin.clone())
    }
}

#[async_trait]
impl Handler for Cors {
    async fn handle(&self, req: &mut Request, depot: &mut Depot, res: &mut Response, ctrl: &mut FlowCtrl) {
        let allowed = self.allowed(req.headers());
        if allowed.is_some() {
            req.extensions_mut().insert(AllowedOrigin);
        }
        if allowed.is_some() && is_preflight(req) {
            res.status_code(StatusCode::NO_CONTENT);
            answer_preflight(res.headers_mut());
            ctrl.skip_rest();
        } else if let Err(error) = well_formed(req).and_then(|()| refuse_cross_site(req)) {
            error.render(res);
            ctrl.skip_rest();
        } else {
            ctrl.call_next(req, depot, res).await;
        }
        let headers = res.headers_mut();
        if !self.origins.is_empty() {
            headers.append(VARY, HeaderValue::from_static("origin"));
        }
        if let Some(origin) = allowed {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(RESPONSE_HEADERS));
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

/// Whether a browser asks what a page may send.
fn is_preflight(req: &Request) -> bool {
    *req.method() == Method::OPTIONS && req.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

fn answer_preflight(headers: &mut HeaderMap) {
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(METHODS));
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(REQUEST_HEADERS));
    headers.insert(ACCESS_CONTROL_MAX_AGE, PREFLIGHT_MAX_AGE_SECONDS);
}
