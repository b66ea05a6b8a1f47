//! Asks the servers that the operator granted, and tells what may pass from what
//! will not.

use crate::{Error, Failure, Retry, bindings};

pub use bindings::untxt::ocr::http::{Request, Response};

impl Request {
    /// A POST of JSON.
    pub fn post_json(url: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        Self {
            method: "POST".to_owned(),
            url: url.into(),
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: body.into(),
            timeout_ms: None,
        }
    }

    /// A GET.
    pub fn get(url: impl Into<String>) -> Self {
        let (method, url) = ("GET".to_owned(), url.into());
        Self { method, url, headers: Vec::new(), body: Vec::new(), timeout_ms: None }
    }
}

impl Response {
    /// The first header of that name, in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Sends `request`; an answer of 2xx is a response, everything else an error that
/// says whether it may pass.
///
/// # Errors
/// Retryable for a server that can't be reached, breaks off, is slow, answers
/// 408 or 5xx; retryable with its `retry-after` for 429 and 503; permanent for
/// what was not granted and for every other status.
pub fn send(request: &Request) -> Result<Response, Error> {
    let response = bindings::untxt::ocr::http::send(request).map_err(unsent)?;
    if (200..300).contains(&response.status) { Ok(response) } else { Err(refused(&response)) }
}

fn unsent(failure: Failure) -> Error {
    match failure.code.as_str() {
        "unreachable" | "broken" | "timed-out" => transport(failure),
        _ => Error::Permanent(failure),
    }
}

/// A failure of the way to the server or of the server, and not of the page: the
/// host tries again more often.
fn transport(mut failure: Failure) -> Error {
    failure.attributes.push(("cause".to_owned(), "transport".to_owned()));
    Error::Retryable(Retry { failure, after_ms: None })
}

fn refused(response: &Response) -> Error {
    let status = response.status;
    let message = format!("the server answers {status}: {}", excerpt(&response.body));
    let after_ms = || {
        let seconds = response.header("retry-after").and_then(|value| value.trim().parse::<u64>().ok());
        Some(seconds.unwrap_or(1).saturating_mul(1_000))
    };
    match status {
        429 => Error::retryable("rate-limited", message, after_ms()),
        503 => Error::retryable("upstream-busy", message, after_ms()),
        408 => transport(Failure::new("upstream-408", message)),
        500..=599 => transport(Failure::new("upstream-5xx", message)),
        300..=399 => Error::permanent("upstream-redirects", message),
        401 | 403 => Error::permanent("upstream-unauthorized", message),
        _ => Error::permanent("upstream-4xx", message),
    }
}

/// Characters of an answer that are told.
const EXCERPT_CHARS: usize = 200;

fn excerpt(body: &[u8]) -> String {
    String::from_utf8_lossy(&body[..body.len().min(4 * EXCERPT_CHARS)]).chars().take(EXCERPT_CHARS).collect()
}
