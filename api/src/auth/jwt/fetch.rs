//! What a provider tells anybody: one JSON document at a URL.

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::{ACCEPT, HOST};
use hyper::{Request, StatusCode};
use serde::de::DeserializeOwned;
use tokio::time::timeout;
use untxt_workflows::dial::{self, Secure};
use url::{Host, Url};

/// How long an answer may take, with the name's resolution.
const PATIENCE: Duration = Duration::from_secs(5);

/// Bytes of an answer.
const BYTES_MAX: usize = 256 << 10;

/// A URL of a provider: `https`, or `http` on this machine.
pub(super) fn parse(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("it is no URL: {error}"))?;
    if url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
        return Err("it must hold no user, password or fragment".to_owned());
    }
    match (url.scheme(), url.host()) {
        ("https", Some(_)) => Ok(url),
        ("http", Some(host)) if is_here(&host) => Ok(url),
        _ => Err("it is no https URL (http is taken on this machine only)".to_owned()),
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
    let (name, host) = names(url)?;
    let port = url.port_or_known_default().ok_or("it names no port")?;
    let found = tokio::net::lookup_host((name.as_str(), port)).await;
    let addresses: Vec<_> = found.map_err(|error| format!("{name} can't be resolved: {error}"))?.collect();
    let secure = match url.scheme() {
        "https" => Some(Secure { server_name: name, config: dial::tls()? }),
        _ => None,
    };
    let path = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
    let request = Request::get(path)
        .header(HOST, host)
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

/// The host without brackets, and what the `Host` header says.
fn names(url: &Url) -> Result<(String, String), String> {
    let host = url.host().ok_or("it names no host")?;
    let name = match host {
        Host::Domain(name) => name.to_owned(),
        Host::Ipv4(address) => IpAddr::from(address).to_string(),
        Host::Ipv6(address) => IpAddr::from(address).to_string(),
    };
    let authority = match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_string(),
    };
    Ok((name, authority))
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

    #[test]
    fn names_are_written_as_their_readers_want_them() {
        let names = |url: &str| super::names(&Url::parse(url).unwrap()).unwrap();
        let pair = |name: &str, host: &str| (name.to_owned(), host.to_owned());
        assert_eq!(names("https://[::1]:8443/x"), pair("::1", "[::1]:8443"));
        assert_eq!(names("https://id.example.com/x"), pair("id.example.com", "id.example.com"));
    }
}
