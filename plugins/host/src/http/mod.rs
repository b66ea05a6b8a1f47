//! The one way out: a request to an HTTP server whose address was looked at.
//! Follows no redirect, keeps no connection, sends nothing of its own.

mod address;
mod dial;
mod tls;

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::{Request, Response, Uri, header};
use hyper_util::rt::TokioIo;

pub use address::is_public;
pub use dial::Reach;
pub use tls::tls;

/// What an answer may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// Which addresses may be dialled.
    pub reach: Reach,
    /// Bytes of the answer's body.
    pub body_bytes_max: usize,
    /// From the name's look-up to the last byte.
    pub time: Duration,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The URL is none that can be asked.
    #[error("{0}")]
    Url(String),
    /// The address may not be dialled.
    #[error("{host} is {address}, which is not a public address")]
    Denied {
        /// Host of the URL.
        host: String,
        /// What it was resolved to.
        address: std::net::IpAddr,
    },
    /// The server can't be reached.
    #[error("{0}")]
    Unreachable(String),
    /// The connection broke, or what came is no HTTP.
    #[error("{0}")]
    Broken(String),
    /// The body is larger than allowed.
    #[error("the answer has more than {0} bytes")]
    TooLarge(usize),
    /// It took too long.
    #[error("no whole answer within {0:?}")]
    TimedOut(Duration),
}

/// Sends `request`, whose URI is absolute, and takes the whole answer.
///
/// # Errors
/// Each [`HttpError`].
pub async fn send(request: Request<Bytes>, allowed: Allowed) -> Result<Response<Bytes>, HttpError> {
    let exchanged = tokio::time::timeout(allowed.time, exchange(request, allowed)).await;
    exchanged.unwrap_or(Err(HttpError::TimedOut(allowed.time)))
}

async fn exchange(request: Request<Bytes>, allowed: Allowed) -> Result<Response<Bytes>, HttpError> {
    let (mut parts, body) = request.into_parts();
    let origin = Origin::of(&parts.uri).map_err(HttpError::Url)?;
    let stream = dial::connect(&origin, allowed.reach).await?;
    let broken = |error: hyper::Error| HttpError::Broken(chain(&error));
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    // Ends with the sender, whatever becomes of the answer.
    let carried = tokio::spawn(connection);
    let host =
        origin.host_header().parse().map_err(|_| HttpError::Url("its host is no header".to_owned()))?;
    parts.headers.insert(header::HOST, host);
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    parts.uri = path.parse::<Uri>().map_err(|error| HttpError::Url(error.to_string()))?;
    let answer = async {
        let answer =
            sender.send_request(Request::from_parts(parts, Full::new(body))).await.map_err(broken)?;
        whole(answer, allowed.body_bytes_max).await
    };
    let answer = answer.await;
    carried.abort();
    answer
}

async fn whole(answer: Response<Incoming>, bytes_max: usize) -> Result<Response<Bytes>, HttpError> {
    let (parts, body) = answer.into_parts();
    let body = Limited::new(body, bytes_max).collect().await.map_err(|error| {
        if error.is::<http_body_util::LengthLimitError>() {
            HttpError::TooLarge(bytes_max)
        } else {
            HttpError::Broken(error.to_string())
        }
    })?;
    Ok(Response::from_parts(parts, body.to_bytes()))
}

/// Scheme, host and port: what is granted and what is dialled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Whether it is spoken to over TLS.
    pub tls: bool,
    /// Name or address, lower-case, an IPv6 address without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
}

impl Origin {
    /// An origin as an operator writes it: `https://host`, `http://host:8000`.
    ///
    /// # Errors
    /// Why it is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let uri: Uri = text.parse().map_err(|error| format!("{text:?}: {error}"))?;
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(format!("{text:?}: scheme, host and port, and no path"));
        }
        Self::of(&uri)
    }

    /// The origin of an absolute URI.
    ///
    /// # Errors
    /// Why it has none that can be asked.
    pub fn of(uri: &Uri) -> Result<Self, String> {
        let tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(format!("{uri} is no http or https address")),
        };
        let authority = uri.authority().ok_or_else(|| format!("{uri} names no host"))?;
        if authority.as_str().contains('@') {
            return Err("a user in an address is not sent".to_owned());
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        if host.is_empty() {
            return Err(format!("{uri} names no host"));
        }
        let port = authority.port_u16().unwrap_or(if tls { 443 } else { 80 });
        Ok(Self { tls, host, port })
    }

    /// Whether the host is written as an address.
    #[must_use]
    pub fn is_address(&self) -> bool {
        self.host.parse::<std::net::IpAddr>().is_ok()
    }

    fn host_header(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        if self.port == if self.tls { 443 } else { 80 } { host } else { format!("{host}:{}", self.port) }
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}", if self.tls { "https" } else { "http" }, self.host_header())
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(uri: &str) -> Result<String, String> {
        Origin::of(&uri.parse().map_err(|_| "no URI".to_owned())?).map(|origin| origin.to_string())
    }

    #[test]
    fn an_origin_is_what_is_dialled() {
        assert_eq!(origin("https://API.example.com/v1?x"), Ok("https://api.example.com".to_owned()));
        assert_eq!(origin("http://[::1]:8000/"), Ok("http://[::1]:8000".to_owned()));
        assert_eq!(origin("http://a:80"), origin("http://a"));
        for wrong in ["ftp://a", "/path", "a", "http://user@a", "http://user:pw@a:80/"] {
            assert!(origin(wrong).is_err(), "{wrong}");
        }
    }
}
