//! Requests by a signed URL.
//!
//! A signature covers the host, and the server is known by many: a name, an
//! address, whatever a proxy makes of it. So URLs are signed for [`HOST`], which
//! is nowhere; the URL that a client is given names the address it knows, and
//! what comes in by it is put under that host again before its signature is
//! looked at. The key pair is this store's alone, so no URL of another store
//! could be meant.

use bytes::Bytes;
use hyper::header::{HOST as HOST_HEADER, HeaderMap, HeaderValue};
use hyper::{Method, Request, Uri};
use s3s::Body;

/// What signed URLs are signed for (RFC 6761, section 6.4).
pub(crate) const HOST: &str = "objects.invalid";

/// Begins the paths of such URLs at the store's own listener. No bucket has such
/// a name.
pub(crate) const PREFIX: &str = "/.signed";

/// What the query of a signed URL has.
const SIGNATURE: &str = "X-Amz-Signature=";

/// A request that came in through another listener, as the store takes it: `uri`
/// is the path behind the place where the store is served, with the query. None
/// when it is no path.
pub fn signed_request<B>(method: Method, uri: &str, headers: HeaderMap, body: B) -> Option<Request<Body>>
where
    B: hyper::body::Body<Data = Bytes> + Send + 'static,
    B::Error: std::error::Error + Send + Sync + 'static,
{
    let mut request = Request::new(Body::http_body_unsync(body));
    *request.uri_mut() = uri.parse().ok()?;
    *request.method_mut() = method;
    *request.headers_mut() = headers;
    Some(request)
}

/// Puts a request by a signed URL under the host it is signed for.
pub(super) fn as_signed(mut request: Request<Body>) -> Request<Body> {
    request.headers_mut().insert(HOST_HEADER, HeaderValue::from_static(HOST));
    request
}

/// What came in at the store's own listener: under [`PREFIX`] by a signed URL
/// of [`HOST`], and otherwise from a client that signs for this listener.
pub(super) fn as_meant(mut request: Request<Body>) -> Request<Body> {
    let rest = request.uri().path_and_query().and_then(|path| path.as_str().strip_prefix(PREFIX));
    let Some(uri) = rest.and_then(|rest| rest.parse().ok()) else { return request };
    *request.uri_mut() = uri;
    as_signed(request)
}

pub(super) fn is_signed(uri: &Uri) -> bool {
    uri.query().is_some_and(|query| query.split('&').any(|pair| pair.starts_with(SIGNATURE)))
}
