//! What a provider publishes: one JSON document at a URL.

use std::time::Duration;

use bytes::Bytes;
use http::header::ACCEPT;
use http::{Request, StatusCode};
use serde::de::DeserializeOwned;
use untxt_net::{RequestOptions, send};
use url::{Host, Url};

/// How long a response may take, from resolving the name to its last byte.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Bytes of a response's body.
const BODY_BYTES_MAX: usize = 256 << 10;

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
