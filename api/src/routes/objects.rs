//! `/objects`: the embedded store, for whoever holds a URL that was signed for
//! one object of it.

use salvo::http::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, HeaderValue};
use salvo::http::{ReqBody, ResBody, StatusCode};
use salvo::prelude::{Depot, Request, Response, handler};
use untxt_workflows::objects::signed_request;

use crate::doors::Doors;
use crate::error::ApiError;
use crate::site::Seen;

/// Where the embedded store is served.
pub(crate) const PATH: &str = "/objects";

/// What is sent came from strangers: shown as a page it is nobody's page and may
/// nothing.
pub(super) const SANDBOX: HeaderValue =
    HeaderValue::from_static("sandbox; default-src 'none'; frame-ancestors 'none'");

#[handler]
pub(crate) async fn objects(
    req: &mut Request,
    depot: &mut Depot,
    res: &mut Response,
) -> Result<(), ApiError> {
    let Some(store) = Doors::of(depot)?.platform.bench().objects.embedded() else {
        return Err(ApiError::no_route());
    };
    let path = req.uri().path_and_query().map_or("", |path| path.as_str());
    let uri = path.strip_prefix(PATH).unwrap_or_default().to_owned();
    let body: ReqBody = req.take_body();
    let signed = signed_request(req.method().clone(), &uri, req.headers().clone(), body);
    let answer = store.answer_signed(signed.ok_or_else(not_signed)?).await;
    if answer.status() == StatusCode::FORBIDDEN {
        return Err(not_signed());
    }
    let (parts, body) = answer.into_parts();
    res.status_code(parts.status);
    res.headers_mut().extend(parts.headers);
    res.headers_mut().insert(CONTENT_SECURITY_POLICY, SANDBOX);
    res.headers_mut().entry(CONTENT_DISPOSITION).or_insert(HeaderValue::from_static("attachment"));
    res.body(ResBody::Boxed(Box::pin(body)));
    Ok(())
}

fn not_signed() -> ApiError {
    let message =
        "this is no signed address of an object, it was changed, or its time is over; ask for a new one";
    ApiError::new(StatusCode::FORBIDDEN, "URL_NOT_SIGNED", message)
}

/// Where this request's client sees the embedded store.
pub(super) fn embedded_at(req: &Request) -> Result<String, ApiError> {
    Ok(format!("{}{PATH}", Seen::of(req)?.base))
}
