//! What holds for every request and every answer: which pages of other sites
//! are let in, and what browsers are told not to do with an answer.

use std::sync::Arc;

use async_trait::async_trait;
use salvo::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, CACHE_CONTROL,
    CONTENT_ENCODING, CONTENT_SECURITY_POLICY, HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN,
    REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use salvo::http::{Method, StatusCode, Version};
use salvo::prelude::{Depot, FlowCtrl, Handler, Request, Response};

use crate::error::ApiError;
use crate::routes::origin::same_origin;

/// Answers are data: whoever takes one for a page gets a page that may nothing.
pub(crate) const DEFAULTS: [(HeaderName, HeaderValue); 5] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
    // Addresses of results are in them.
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

const METHODS: &str = "GET, POST, PUT, DELETE";
const REQUEST_HEADERS: &str = "authorization, x-api-key, content-type, idempotency-key, last-event-id, range";
const ANSWER_HEADERS: &str = "location, retry-after, www-authenticate, x-request-id";

/// Seconds for which a browser need not ask again what it may send.
const ASK_AGAIN_SECONDS: HeaderValue = HeaderValue::from_static("600");

/// Stands before all routes.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    origins: Arc<[String]>,
}

/// Marks a request that comes from a page of a site on the list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listed;

impl Guard {
    /// Lets pages of these sites in, beside this server's own.
    pub(crate) fn new(origins: &[String]) -> Self {
        Self { origins: origins.into() }
    }

    /// The origin, if it is on the list.
    fn listed(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let origin = headers.get(ORIGIN)?;
        let text = origin.to_str().ok()?;
        self.origins.iter().any(|listed| listed.eq_ignore_ascii_case(text)).then(|| origin.clone())
    }
}

#[async_trait]
impl Handler for Guard {
    async fn handle(&self, req: &mut Request, depot: &mut Depot, res: &mut Response, ctrl: &mut FlowCtrl) {
        let listed = self.listed(req.headers());
        if listed.is_some() {
            req.extensions_mut().insert(Listed);
        }
        if listed.is_some() && is_question(req) {
            res.status_code(StatusCode::NO_CONTENT);
            answer_question(res.headers_mut());
            ctrl.skip_rest();
        } else if let Err(error) = is_sound(req).and_then(|()| acts_for_nobody_else(req)) {
            error.render(res);
            ctrl.skip_rest();
        } else {
            ctrl.call_next(req, depot, res).await;
        }
        let headers = res.headers_mut();
        for (name, value) in DEFAULTS {
            headers.entry(name).or_insert(value);
        }
        if !self.origins.is_empty() {
            headers.append(VARY, HeaderValue::from_static("origin"));
        }
        if let Some(origin) = listed {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(ANSWER_HEADERS));
        }
    }
}

/// Refuses what would be misread: a request for no host or for two, and a body
/// that is compressed.
fn is_sound(req: &Request) -> Result<(), ApiError> {
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

/// A page of another site can't read what it is not told it may, but it could
/// act.
fn acts_for_nobody_else(req: &Request) -> Result<(), ApiError> {
    match *req.method() {
        Method::GET | Method::HEAD | Method::OPTIONS => Ok(()),
        _ => same_origin(req),
    }
}

/// Whether a browser asks what a page may send.
fn is_question(req: &Request) -> bool {
    *req.method() == Method::OPTIONS && req.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

fn answer_question(headers: &mut HeaderMap) {
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(METHODS));
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(REQUEST_HEADERS));
    headers.insert(ACCESS_CONTROL_MAX_AGE, ASK_AGAIN_SECONDS);
}
