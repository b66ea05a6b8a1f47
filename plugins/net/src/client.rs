//! One request over a connection of its own.

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use http::header::{HOST, HeaderValue};
use http::{Request, Response, Uri, response};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_util::task::AbortOnDropHandle;

use crate::error::HttpError;
use crate::origin::{InvalidUrl, Origin};
use crate::policy::AddressPolicy;
use crate::resolve::addresses;
use crate::tls;

/// Bytes of a response's head: servers and proxies allow 8 to 32 KiB.
const HEAD_BYTES_MAX: usize = 64 << 10;

/// Rules and bounds of one request.
#[derive(Clone, Debug)]
pub struct RequestOptions {
    /// Which addresses may be dialled.
    pub policy: AddressPolicy,
    /// Whether a public address is called over TLS only.
    pub public_needs_tls: bool,
    /// Bytes of the response's body.
    pub body_bytes_max: usize,
    /// From resolving the name to the last byte.
    pub timeout: Duration,
}

impl RequestOptions {
    /// For a server that an operator named: any address, with or without TLS.
    #[must_use]
    pub fn for_named_server(body_bytes_max: usize, timeout: Duration) -> Self {
        Self { policy: AddressPolicy::Any, public_needs_tls: false, body_bytes_max, timeout }
    }
}

/// Sends `request`, whose URI is absolute, and reads the whole response, whatever
/// its status.
///
/// # Errors
/// Each [`HttpError`].
pub async fn send(request: Request<Bytes>, options: &RequestOptions) -> Result<Response<Bytes>, HttpError> {
    let whole = async { exchange(request, options).await?.whole(options.body_bytes_max).await };
    timeout(options.timeout, whole).await.unwrap_or(Err(HttpError::TimedOut(options.timeout)))
}

/// Sends `request`, whose URI is absolute, and reads the head of the response;
/// its body is not read.
///
/// # Errors
/// Each [`HttpError`] but [`HttpError::TooLarge`].
pub async fn send_for_head(
    request: Request<Bytes>,
    options: &RequestOptions,
) -> Result<response::Parts, HttpError> {
    let head = async { Ok(exchange(request, options).await?.response.into_parts().0) };
    timeout(options.timeout, head).await.unwrap_or(Err(HttpError::TimedOut(options.timeout)))
}

/// Sends `request`, whose URI is absolute, and reads the head of the response. Its
/// body is read by whoever wants it, in pieces, until the deadline of the request.
///
/// # Errors
/// Each [`HttpError`] but [`HttpError::TooLarge`].
pub async fn open(request: Request<Bytes>, options: &RequestOptions) -> Result<OpenResponse, HttpError> {
    let deadline = Instant::now() + options.timeout;
    let opened = timeout_at(deadline, exchange(request, options)).await;
    let ResponseGuard { origin, response, connection } =
        opened.unwrap_or(Err(HttpError::TimedOut(options.timeout)))?;
    let (head, body) = response.into_parts();
    let (timeout, bytes_max) = (options.timeout, options.body_bytes_max);
    Ok(OpenResponse {
        head,
        origin,
        body,
        received: 0,
        bytes_max,
        deadline,
        timeout,
        _connection: connection,
    })
}

/// A response of whose body some is still to come.
#[derive(Debug)]
pub struct OpenResponse {
    /// Status and headers.
    pub head: response::Parts,
    origin: Origin,
    body: Incoming,
    received: usize,
    bytes_max: usize,
    deadline: Instant,
    timeout: Duration,
    _connection: AbortOnDropHandle<Result<(), hyper::Error>>,
}

impl OpenResponse {
    /// The next piece of the body; `None` after the last.
    ///
    /// # Errors
    /// [`HttpError::TooLarge`] with the first byte too many, [`HttpError::TimedOut`]
    /// when the request takes too long, [`HttpError::Protocol`].
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, HttpError> {
        loop {
            let next = timeout_at(self.deadline, self.body.frame()).await;
            let Some(frame) = next.map_err(|_| HttpError::TimedOut(self.timeout))? else { return Ok(None) };
            // What is no data is a trailer, which says nothing here.
            let Ok(bytes) = frame.map_err(|error| protocol(&self.origin, &error))?.into_data() else {
                continue;
            };
            self.received = self.received.saturating_add(bytes.len());
            if self.received > self.bytes_max {
                return Err(HttpError::TooLarge(self.bytes_max));
            }
            return Ok(Some(bytes));
        }
    }
}

/// A response whose body can be read as long as this exists: it holds the task
/// that drives the connection.
struct ResponseGuard {
    origin: Origin,
    response: Response<Incoming>,
    connection: AbortOnDropHandle<Result<(), hyper::Error>>,
}

impl ResponseGuard {
    async fn whole(self, bytes_max: usize) -> Result<Response<Bytes>, HttpError> {
        let Self { origin, response, connection: _connection } = self;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, bytes_max).collect().await.map_err(|error| {
            if error.is::<LengthLimitError>() {
                HttpError::TooLarge(bytes_max)
            } else {
                protocol(&origin, &*error)
            }
        })?;
        Ok(Response::from_parts(head, body.to_bytes()))
    }
}

async fn exchange(request: Request<Bytes>, options: &RequestOptions) -> Result<ResponseGuard, HttpError> {
    let origin = Origin::of(request.uri())?;
    let request = relative(request, &origin)?;
    let found = addresses(&origin, &options.policy, options.public_needs_tls).await?;
    let stream = TcpStream::connect(&*found)
        .await
        .map_err(|error| HttpError::Unreachable { origin: origin.to_string(), reason: error.to_string() })?;
    // Without it a request in two writes waits for the server's delayed ACK. A
    // socket that refuses is slower and nothing else.
    let _ = stream.set_nodelay(true);
    if !origin.tls {
        return converse(origin, stream, request).await;
    }
    let failed = |reason: String| HttpError::Tls { origin: origin.to_string(), reason };
    let name = ServerName::try_from(origin.host.clone()).map_err(|error| failed(error.to_string()))?;
    let connector = TlsConnector::from(tls::config().map_err(failed)?);
    let stream = connector.connect(name, stream).await.map_err(|error| failed(error.to_string()))?;
    converse(origin, stream, request).await
}

/// The request as HTTP/1.1 writes it: a path, and the host in a header.
fn relative(request: Request<Bytes>, origin: &Origin) -> Result<Request<Full<Bytes>>, HttpError> {
    let (mut head, body) = request.into_parts();
    let invalid = |error: &dyn Error| InvalidUrl(error.to_string());
    let host = HeaderValue::try_from(origin.authority()).map_err(|error| invalid(&error))?;
    head.headers.insert(HOST, host);
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    head.uri = path.parse::<Uri>().map_err(|error| invalid(&error))?;
    Ok(Request::from_parts(head, Full::new(body)))
}

async fn converse<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    origin: Origin,
    stream: S,
    request: Request<Full<Bytes>>,
) -> Result<ResponseGuard, HttpError> {
    let mut builder = http1::Builder::new();
    builder.max_header_size(HEAD_BYTES_MAX);
    let handshake = builder.handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(|error| protocol(&origin, &error))?;
    let connection = AbortOnDropHandle::new(tokio::spawn(connection));
    let response = sender.send_request(request).await.map_err(|error| protocol(&origin, &error))?;
    Ok(ResponseGuard { origin, response, connection })
}

fn protocol(origin: &Origin, error: &(dyn Error + 'static)) -> HttpError {
    let reason = match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    };
    HttpError::Protocol { origin: origin.to_string(), reason }
}
