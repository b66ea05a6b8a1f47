//! An engine's requests to servers: only to granted servers, within the call's
//! limits, with secrets that the host adds, each recorded in the call's log.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Response, Uri};
use untxt_net::{HttpError, Origin, RequestOptions, send};

use crate::call_record::SharedCallRecord;
use crate::capabilities::Capabilities;
use crate::contract::untxt::ocr::http as wit;
use crate::contract::untxt::ocr::types::Failure;
use crate::limits::EngineLimits;

/// Headers of the connection, which the host sets.
const CONNECTION_HEADERS: [&str; 9] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Headers of a request or a response, and bytes of all of them.
const HEADERS_MAX: usize = 100;
const HEADER_BYTES_MAX: usize = 64 << 10;

/// Characters of a path that are logged.
const PATH_CHARS_MAX: usize = 200;

#[derive(Debug)]
pub(crate) struct Egress {
    capabilities: Arc<Capabilities>,
    requests_left: u32,
    out_left: usize,
    in_left: usize,
    record: SharedCallRecord,
}

impl Egress {
    pub(crate) fn new(
        capabilities: Arc<Capabilities>,
        limits: &EngineLimits,
        record: SharedCallRecord,
    ) -> Self {
        let bytes = limits.http_bytes_max;
        Self {
            capabilities,
            requests_left: limits.http_requests_max,
            out_left: bytes,
            in_left: bytes,
            record,
        }
    }

    /// Sends `request` if it is granted, and waits at most `left` for the whole
    /// response.
    pub(crate) async fn send(
        &mut self,
        request: wit::Request,
        left: Duration,
    ) -> Result<wit::Response, Failure> {
        let began = Instant::now();
        let time = request.timeout_ms.map_or(left, |ms| left.min(Duration::from_millis(ms)));
        let what = request_line(&request);
        let result = self.exchange(request, time).await;
        let took_ms = began.elapsed().as_millis();
        let line = match &result {
            Ok(response) => {
                format!("{what}: {} and {} bytes, {took_ms} ms", response.status, response.body.len())
            }
            Err(failure) => format!("{what}: {}: {}, {took_ms} ms", failure.code, failure.message),
        };
        self.record.lock().log.write("http", &line);
        result
    }

    async fn exchange(&mut self, request: wit::Request, time: Duration) -> Result<wit::Response, Failure> {
        let uri: Uri =
            request.url.parse().map_err(|error| failure("bad-request", format!("url: {error}")))?;
        let origin = Origin::of(&uri).map_err(|error| self.denied(error.to_string()))?;
        let Some(policy) = self.capabilities.policy(&origin) else {
            return Err(self.denied(format!("{origin} is not a granted server")));
        };
        self.spend(request.body.len())?;
        let request = self.http_request(request, uri, &origin)?;
        let options =
            RequestOptions { policy, public_needs_tls: false, body_bytes_max: self.in_left, timeout: time };
        let response = send(request, &options).await.map_err(|error| self.failed(&error))?;
        self.in_left -= response.body().len();
        Ok(wit_response(response))
    }

    fn spend(&mut self, body_bytes: usize) -> Result<(), Failure> {
        if self.requests_left == 0 {
            return Err(failure("request-limit", "the call has used all of its requests".to_owned()));
        }
        self.requests_left -= 1;
        let left = self.out_left.checked_sub(body_bytes);
        self.out_left = left.ok_or_else(|| {
            failure("too-large", format!("{body_bytes} bytes to send, of which {} are left", self.out_left))
        })?;
        Ok(())
    }

    fn http_request(
        &self,
        request: wit::Request,
        uri: Uri,
        origin: &Origin,
    ) -> Result<Request<Bytes>, Failure> {
        let bad = |reason: String| failure("bad-request", reason);
        let mut headers = headers(&request.headers).map_err(bad)?;
        for secret in self.capabilities.secrets(origin) {
            let value = std::env::var(&secret.env).map_err(|_| {
                bad(format!("the environment variable of the secret {:?} is not set", secret.name))
            })?;
            let mut value = HeaderValue::try_from(format!("{}{value}", secret.prefix))
                .map_err(|_| bad(format!("the secret {:?} is not a valid header value", secret.name)))?;
            value.set_sensitive(true);
            let name = HeaderName::try_from(&secret.header).map_err(|error| bad(error.to_string()))?;
            headers.insert(name, value);
        }
        let mut http = Request::new(Bytes::from(request.body));
        *http.method_mut() =
            Method::from_bytes(request.method.as_bytes()).map_err(|error| bad(error.to_string()))?;
        *http.uri_mut() = uri;
        *http.headers_mut() = headers;
        Ok(http)
    }

    fn denied(&self, what: String) -> Failure {
        let servers = self.capabilities.servers();
        let granted = if servers.is_empty() { "none".to_owned() } else { servers.join(", ") };
        self.record.lock().egress_denied = Some(format!("{what} (granted: {granted})"));
        failure("egress-denied", what)
    }

    fn failed(&self, error: &HttpError) -> Failure {
        let code = match error {
            HttpError::Refused { .. } | HttpError::PlainText { .. } => return self.denied(error.to_string()),
            HttpError::Url(_) => "bad-request",
            HttpError::Unresolved { .. } | HttpError::Unreachable { .. } | HttpError::Tls { .. } => {
                "unreachable"
            }
            HttpError::Protocol { .. } => "broken",
            HttpError::TooLarge(_) => "too-large",
            HttpError::TimedOut(_) => "timed-out",
        };
        failure(code, error.to_string())
    }
}

/// Method and URL for the log, without the query, which may hold secrets.
fn request_line(request: &wit::Request) -> String {
    let address = request.url.split(['?', '#']).next().unwrap_or_default();
    let address: String = address.chars().take(PATH_CHARS_MAX).collect();
    let method: String = request.method.chars().take(16).collect();
    format!("{method} {address}")
}

fn headers(pairs: &[(String, String)]) -> Result<HeaderMap, String> {
    let bytes: usize = pairs.iter().map(|(name, value)| name.len() + value.len()).sum();
    if pairs.len() > HEADERS_MAX || bytes > HEADER_BYTES_MAX {
        return Err(format!("more than {HEADERS_MAX} headers or {HEADER_BYTES_MAX} bytes of them"));
    }
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let name = HeaderName::try_from(name).map_err(|error| format!("header {name:?}: {error}"))?;
        if CONNECTION_HEADERS.contains(&name.as_str()) || name.as_str().starts_with("proxy-") {
            return Err(format!("header {name} is set by the host"));
        }
        let value = HeaderValue::try_from(value).map_err(|error| format!("header {name}: {error}"))?;
        headers.append(name, value);
    }
    Ok(headers)
}

fn wit_response(response: Response<Bytes>) -> wit::Response {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let pairs = response.headers().iter().take(HEADERS_MAX);
    wit::Response {
        status: response.status().as_u16(),
        headers: pairs.map(|(name, value)| (name.as_str().to_owned(), text(value))).collect(),
        body: response.into_body().to_vec(),
    }
}

fn failure(code: &str, message: String) -> Failure {
    Failure { code: code.to_owned(), message, attributes: Vec::new() }
}
