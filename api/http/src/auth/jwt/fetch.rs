//! Requests to a provider: for a JSON document at a URL, and with a form.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{Request, Response, StatusCode};
use serde::de::DeserializeOwned;
use untxt_net::{RequestOptions, send};
use url::Url;

/// How long a response may take, from resolving the name to its last byte.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Bytes of a response's body.
const BODY_BYTES_MAX: usize = 256 << 10;

/// The answer to a form that is posted to `url`, whatever its status.
pub(super) async fn post_form(
    url: &Url,
    form: String,
    authorization: Option<String>,
) -> Result<Response<Bytes>, String> {
    let mut request = Request::post(url.as_str())
        .header(ACCEPT, "application/json")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    if let Some(authorization) = authorization {
        request = request.header(AUTHORIZATION, authorization);
    }
    let request = request.body(Bytes::from(form)).map_err(|error| error.to_string())?;
    let options = RequestOptions::for_named_server(BODY_BYTES_MAX, TIMEOUT);
    send(request, &options).await.map_err(|error| error.to_string())
}

/// The document at `url`; a redirect is not followed.
pub(super) async fn json<T: DeserializeOwned>(url: &Url) -> Result<T, String> {
    let request = Request::get(url.as_str())
        .header(ACCEPT, "application/json")
        .body(Bytes::new())
        .map_err(|error| error.to_string())?;
    let options = RequestOptions::for_named_server(BODY_BYTES_MAX, TIMEOUT);
    let response = send(request, &options).await.map_err(|error| error.to_string())?;
    if response.status() != StatusCode::OK {
        return Err(format!("it answered {}", response.status()));
    }
    serde_json::from_slice(response.body()).map_err(|error| format!("its answer can't be read: {error}"))
}
