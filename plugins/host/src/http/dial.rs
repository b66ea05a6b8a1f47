//! From an origin to a connection: resolved once, the address looked at, that
//! very address dialled.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::tls::tls;
use super::{HttpError, Origin, address};

/// Which addresses may be dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Those of the public internet.
    Public,
    /// All: whoever allowed it named the server.
    Anywhere,
}

/// A connection, over TLS or not.
#[derive(Debug)]
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

pub(super) async fn connect(origin: &Origin, reach: Reach) -> Result<Stream, HttpError> {
    let unreachable = |error: io::Error| HttpError::Unreachable(format!("{origin}: {error}"));
    let mut failed = None;
    for socket in resolved(origin).await.map_err(unreachable)? {
        if reach == Reach::Public && !address::is_public(socket.ip()) {
            failed
                .get_or_insert_with(|| HttpError::Denied { host: origin.host.clone(), address: socket.ip() });
            continue;
        }
        match TcpStream::connect(socket).await {
            Ok(stream) => return secured(origin, stream).await.map_err(unreachable),
            Err(error) => failed = Some(unreachable(error)),
        }
    }
    Err(failed.unwrap_or_else(|| HttpError::Unreachable(format!("{origin}: the name has no address"))))
}

async fn resolved(origin: &Origin) -> io::Result<Vec<SocketAddr>> {
    if let Ok(ip) = origin.host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, origin.port)]);
    }
    Ok(tokio::net::lookup_host((origin.host.as_str(), origin.port)).await?.collect())
}

async fn secured(origin: &Origin, stream: TcpStream) -> io::Result<Stream> {
    stream.set_nodelay(true)?;
    if !origin.tls {
        return Ok(Stream::Plain(stream));
    }
    let name = ServerName::try_from(origin.host.clone()).map_err(io::Error::other)?;
    let connector = TlsConnector::from(tls().map_err(io::Error::other)?);
    Ok(Stream::Tls(Box::new(connector.connect(name, stream).await?)))
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
