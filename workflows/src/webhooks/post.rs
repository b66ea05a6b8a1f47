//! One request to somebody else's server, at an address that was judged. Of the
//! answer no more than its head is read.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http_body_util::Full;
use hyper::header::{HOST, HeaderMap, HeaderValue, RETRY_AFTER};
use hyper::{Method, Request, StatusCode};

use super::target::Target;
use crate::dial::{self, DialError, Secure};

/// How long a delivery may take, from the name's resolution to the answer's
/// head.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// The longest wait that a server may ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// Why there was no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum PostError {
    /// The URL makes no request.
    #[error("no request: {0}")]
    Request(String),
    /// It was not answered.
    #[error(transparent)]
    Dial(#[from] DialError),
}

/// What a server answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    /// How long it wants to be left alone.
    pub(super) retry_after: Option<Duration>,
}

/// Posts `body` to `target`, at the first of `addresses` that answers.
pub(super) async fn post(
    target: &Target,
    addresses: &[SocketAddr],
    secure: Option<Secure>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Answer, PostError> {
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(target.path_and_query())
        .header(HOST, target.authority())
        .body(Full::new(body))
        .map_err(|error| PostError::Request(error.to_string()))?;
    request.headers_mut().extend(headers);
    let answered = dial::ask(addresses, secure, request).await?;
    let head = &answered.response;
    let retry_after = head.headers().get(RETRY_AFTER).and_then(retry_after);
    Ok(Answer { status: head.status(), retry_after })
}

/// Seconds, or a date.
fn retry_after(value: &HeaderValue) -> Option<Duration> {
    let text = value.to_str().ok()?.trim();
    let wait = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let until = DateTime::<Utc>::from(httpdate::parse_http_date(text).ok()?);
            (until - Utc::now()).to_std().unwrap_or_default()
        }
    };
    Some(wait.min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_may_ask_for_a_wait_within_bounds() {
        let wait = |text: &'static str| retry_after(&HeaderValue::from_static(text));
        assert_eq!(wait("120"), Some(Duration::from_secs(120)));
        assert_eq!(wait("99999999"), Some(RETRY_AFTER_MAX));
        assert_eq!(wait("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::ZERO));
        assert_eq!(wait("Fri, 01 Jan 2100 00:00:00 GMT"), Some(RETRY_AFTER_MAX));
        assert_eq!(wait("soon"), None);
    }
}
