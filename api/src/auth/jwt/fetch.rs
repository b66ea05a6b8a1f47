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
use url::{Host, Url};

/// How long an answer may take, with the name's resolution.
const PATIENCE: Duration = Duration::from_secs(5);

/// Bytes of an answer.
const BYTES_MAX: usize = 256 << 10;

/// A URL of a provider: `https`, or `http` on this machine.
pub(super) fn parse(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("not a URL: {error}"))?;
    if url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
        return Err("it must hold no user, password or fragment".to_owned());
    }
    match (url.scheme(), url.host()) {
        ("https", Some(_)) => Ok(url),
        ("http", Some(host)) if is_here(&host) => Ok(url),
        _ => Err("not an https URL (http is allowed for this machine only)".to_owned()),
    }
}

fn is_here(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_can_listen_to_is_asked() {
        for url in [
            "https://id.example.com/realms/a",
            "http://127.0.0.1:8080",
            "http://[::1]/",
            "http://localhost/x",
        ] {
            assert!(parse(url).is_ok(), "{url}");
        }
        for url in [
            "http://id.example.com",
            "http://10.0.0.1/",
            "ftp://localhost/",
            "id.example.com",
            "https://a@b/",
            "https://b/#c",
        ] {
            assert!(parse(url).is_err(), "{url}");
        }
    }
}
