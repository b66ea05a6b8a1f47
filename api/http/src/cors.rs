//! CORS: pages of allowed origins may call the API from a browser.

use salvo::cors::{AllowOrigin, Cors, CorsHandler};
use salvo::http::Method;
use salvo::http::header::{
    AUTHORIZATION, CONTENT_TYPE, HeaderName, LOCATION, ORIGIN, RANGE, RETRY_AFTER, WWW_AUTHENTICATE,
};

use crate::origin::is_listed;
use crate::request_id;

const METHODS: [Method; 4] = [Method::GET, Method::POST, Method::PUT, Method::DELETE];
const REQUEST_HEADERS: [HeaderName; 6] = [
    AUTHORIZATION,
    HeaderName::from_static("x-api-key"),
    CONTENT_TYPE,
    HeaderName::from_static("idempotency-key"),
    HeaderName::from_static("last-event-id"),
    RANGE,
];
const RESPONSE_HEADERS: [HeaderName; 4] = [LOCATION, RETRY_AFTER, WWW_AUTHENTICATE, request_id::HEADER];

/// Seconds for which a browser may reuse the answer to a preflight request.
const PREFLIGHT_MAX_AGE_SECONDS: u64 = 600;

/// Middleware that answers pages of `origins` with CORS headers, and preflight requests
/// with what such pages may send.
pub(crate) fn cors(origins: &[String]) -> CorsHandler {
    let origins = origins.to_vec();
    let allowed = AllowOrigin::dynamic(move |origin, _, _| {
        origin.filter(|origin| is_listed(&origins, origin)).cloned()
    });
    Cors::new()
        .allow_origin(allowed)
        .allow_methods(METHODS)
        .allow_headers(REQUEST_HEADERS)
        .expose_headers(RESPONSE_HEADERS)
        .max_age(PREFLIGHT_MAX_AGE_SECONDS)
        .vary([ORIGIN])
        .into_handler()
}
