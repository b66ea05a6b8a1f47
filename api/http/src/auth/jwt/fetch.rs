//! What a provider tells anybody: one JSON document at a URL.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::{ACCEPT, HOST};
use hyper::{Request, StatusCode};
use serde::de::DeserializeOwned;
use tokio::time::timeout;
use untxt_workflows::dial::{self, Secure};
use untxt_workflows::webhooks::allowed::Allowed;
use untxt_workflows::webhooks::target::Target;
use url::Url;

/// How long an answer may take, with the name's resolution.
const PATIENCE: Duration = Duration::from_secs(5);

/// Bytes of an answer.
const BYTES_MAX: usize = 256 << 10;

/// The document at `url`; a redirect is not followed.
pub(super) async fn json<T: DeserializeOwned>(url: &Url) -> Result<T, String> {
    let bytes = timeout(PATIENCE, get(url))
        .await
        .unwrap_or_else(|_| Err(format!("no answer within {} s", PATIENCE.as_secs())))?;
    serde_json::from_slice(&bytes).map_err(|error| format!("its answer can't be read: {error}"))
}

async fn get(url: &Url) -> Result<Bytes, String> {
    let target = Target::parse(url.as_str()).map_err(|error| error.to_string())?;
    // An operator named the provider: it may be anywhere.
    let addresses = target.addresses(&Allowed::All).await.map_err(|error| error.to_string())?;
    let secure = match target.is_tls() {
        true => Some(Secure { server_name: target.server_name(), config: dial::tls()? }),
        false => None,
    };
    let request = Request::get(target.path_and_query())
        .header(HOST, target.authority())
        .header(ACCEPT, "application/json")
        .body(Full::new(Bytes::new()))
        .map_err(|error| error.to_string())?;
    let answered = dial::ask(&addresses, secure, request).await.map_err(|error| error.to_string())?;
    if answered.response.status() != StatusCode::OK {
        return Err(format!("it answered {}", answered.response.status()));
    }
    let read = Limited::new(answered.response.into_body(), BYTES_MAX).collect().await;
    read.map(|read| read.to_bytes()).map_err(|error| format!("its answer can't be read: {error}"))
}
