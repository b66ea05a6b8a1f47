//! A request's body of JSON.

use salvo::http::header::CONTENT_TYPE;
use salvo::http::{ParseError, StatusCode};
use salvo::prelude::Request;
use serde::de::DeserializeOwned;

use crate::error::ApiError;
use crate::json;

/// Bytes of a body: a filter with every field and a reason, or an engine's
/// settings.
const BODY_BYTES_MAX: usize = 16 << 10;

/// The body, which says what `T` knows and nothing else. An empty one says
/// nothing.
pub(super) async fn body<T: DeserializeOwned>(req: &mut Request) -> Result<T, ApiError> {
    has_json(req)?;
    let bytes = req.payload_with_max_size(BODY_BYTES_MAX).await.map_err(|error| match error {
        ParseError::PayloadTooLarge => ApiError::body_too_large(BODY_BYTES_MAX),
        error => ApiError::malformed_body(error),
    })?;
    let text: &[u8] = if bytes.is_empty() { b"{}" } else { bytes };
    json::read(text).map_err(ApiError::malformed_body)
}

/// Refuses a body that is no JSON. A page of another site can't send any here
/// without this server's consent; a form it can.
pub(super) fn has_json(req: &Request) -> Result<(), ApiError> {
    let text = req.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if text.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json")) {
        return Ok(());
    }
    let message = "send the body as application/json; an empty object is {}";
    Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "NOT_JSON", message))
}
