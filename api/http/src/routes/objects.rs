//! `/objects`: the embedded store, for whoever holds a URL that was signed for
//! one object of it.

use std::error::Error;
use std::io;

use bytes::Bytes;
use http_body_util::{BodyExt, Collected, Limited};
use hyper::body::Body;
use salvo::http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, HeaderValue};
use salvo::http::{Method, ReqBody, ResBody, StatusCode};
use salvo::prelude::{Depot, Request, Response, handler};
use untxt_workflows::incoming::IncomingError;
use untxt_workflows::objects::signed_request;

use crate::app_state::AppState;
use crate::boxed::boxed;
use crate::error::ApiError;
use crate::request_info::RequestInfo;

/// Where the embedded store is served.
pub(crate) const PATH: &str = "/objects";

type BoxError = Box<dyn Error + Send + Sync>;

/// Bytes of what the store says when it refuses.
const REFUSAL_BYTES_MAX: usize = 4 << 10;

/// What is sent came from strangers: shown as a page it is nobody's page and may
/// nothing.
pub(super) const SANDBOX: HeaderValue =
    HeaderValue::from_static("sandbox; default-src 'none'; frame-ancestors 'none'");

#[handler]
#[boxed]
pub(crate) async fn objects(
    req: &mut Request,
    depot: &mut Depot,
    res: &mut Response,
) -> Result<(), ApiError> {
    let Some(store) = AppState::of(depot)?.platform.objects().embedded() else {
        return Err(ApiError::no_route());
    };
    if *req.method() == Method::PUT {
        let bytes = req.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        let fits = AppState::of(depot)?.platform.tasks.disk_space().check(bytes.unwrap_or_default()).await;
        fits.map_err(IncomingError::from)?.map_err(IncomingError::from)?;
    }
    let path = req.uri().path_and_query().map_or("", |path| path.as_str());
    let uri = path.strip_prefix(PATH).unwrap_or_default().to_owned();
    let body: ReqBody = req.take_body();
    let signed = signed_request(req.method().clone(), &uri, req.headers().clone(), body);
    let answer = store.answer_signed(signed.ok_or_else(not_signed)?).await;
    let (parts, body) = answer.into_parts();
    if parts.status.is_client_error() || parts.status.is_server_error() {
        return Err(refusal(parts.status, body).await);
    }
    res.status_code(parts.status);
    res.headers_mut().extend(parts.headers);
    res.headers_mut().insert(CONTENT_SECURITY_POLICY, SANDBOX);
    res.headers_mut().entry(CONTENT_DISPOSITION).or_insert(HeaderValue::from_static("attachment"));
    res.body(ResBody::Boxed(Box::pin(body)));
    Ok(())
}

/// What the store refuses, in the words of this interface instead of S3's.
async fn refusal(status: StatusCode, body: impl Body<Data = Bytes, Error: Into<BoxError>>) -> ApiError {
    // The store's own text; what is longer is none of it.
    let text = Limited::new(body, REFUSAL_BYTES_MAX).collect().await.map(Collected::to_bytes);
    let text = text.map(|text| String::from_utf8_lossy(&text).into_owned()).unwrap_or_default();
    let code = text.split("<Code>").nth(1).and_then(|rest| rest.split("</Code>").next()).unwrap_or("no code");
    match (status, code) {
        (StatusCode::FORBIDDEN, _) | (_, "InvalidRequest" | "AuthorizationQueryParametersError") => {
            not_signed()
        }
        (StatusCode::NOT_FOUND, _) => {
            ApiError::new(StatusCode::NOT_FOUND, "NOT_FOUND", "there is no such object")
        }
        (_, "EntityTooLarge") => {
            let message = "the object is larger than UNTXT_MAX_UPLOAD_BYTES";
            ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "FILE_TOO_LARGE", message)
        }
        (_, "IncompleteBody") => ApiError::malformed_body("the body ended before its Content-Length"),
        (StatusCode::RANGE_NOT_SATISFIABLE, _) => {
            let message = "range: outside the object";
            ApiError::new(StatusCode::RANGE_NOT_SATISFIABLE, "RANGE_NOT_SATISFIABLE", message)
        }
        (status, code) if status.is_server_error() => {
            ApiError::away("embedded object store", &io::Error::other(format!("{status}, {code}")))
        }
        (_, code) => {
            let message = format!("the store does not support the request ({code})");
            ApiError::new(StatusCode::BAD_REQUEST, "BAD_REQUEST", message)
        }
    }
}

fn not_signed() -> ApiError {
    let message = "the presigned URL is invalid, was changed or has expired; request a new one";
    ApiError::new(StatusCode::FORBIDDEN, "URL_NOT_SIGNED", message)
}

/// Where this request's client sees the embedded store.
pub(super) fn embedded_at(req: &Request) -> Result<String, ApiError> {
    Ok(format!("{}{PATH}", RequestInfo::of(req)?.base))
}
