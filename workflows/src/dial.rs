//! One HTTP request over a connection of its own, to an address that the caller
//! has chosen. It resolves no name, follows no redirect and keeps nothing.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_util::task::AbortOnDropHandle;
pub use untxt_plugins::http::tls;

/// Bytes of an answer's head.
const HEAD_BYTES_MAX: usize = 16 << 10;

/// Why there was no answer.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// Nobody answers at any of the addresses.
    #[error("nobody answers: {0}")]
    Unreachable(io::Error),
    /// It could not be made sure who answers.
    #[error("no TLS session: {0}")]
    Tls(io::Error),
    /// What answers does not speak HTTP, or stopped.
    #[error("no answer: {0}")]
    Http(#[from] hyper::Error),
}

/// The name that a server's certificate has to bear, and who may have signed it.
#[derive(Clone)]
pub struct Secure {
    /// A name, or an address without brackets.
    pub server_name: String,
    /// See [`tls`].
    pub config: Arc<ClientConfig>,
}

/// An answer whose body can be read as long as this is there.
#[derive(Debug)]
pub struct Answered {
    /// Its head, and its body as it comes.
    pub response: Response<Incoming>,
    _connection: AbortOnDropHandle<Result<(), hyper::Error>>,
}

/// Sends `request`, whose URI is a path and which names its host in a header, to
/// the first of `addresses` that answers. Over TLS if `secure` is given. The
/// caller says how long that may take, by dropping it.
///
/// # Errors
/// Each [`DialError`].
pub async fn ask(
    addresses: &[SocketAddr],
    secure: Option<Secure>,
    request: Request<Full<Bytes>>,
) -> Result<Answered, DialError> {
    let stream = TcpStream::connect(addresses).await.map_err(DialError::Unreachable)?;
    let Some(Secure { server_name, config }) = secure else { return send(stream, request).await };
    let name = ServerName::try_from(server_name).map_err(|error| DialError::Tls(io::Error::other(error)))?;
    let stream = TlsConnector::from(config).connect(name, stream).await.map_err(DialError::Tls)?;
    send(stream, request).await
}

async fn send<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    request: Request<Full<Bytes>>,
) -> Result<Answered, DialError> {
    let (mut sender, connection) =
        http1::Builder::new().max_buf_size(HEAD_BYTES_MAX).handshake(TokioIo::new(stream)).await?;
    let connection = AbortOnDropHandle::new(tokio::spawn(connection));
    let response = sender.send_request(request).await?;
    Ok(Answered { response, _connection: connection })
}
