//! Listens.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use salvo::conn::tcp::TcpAcceptor;
use salvo::prelude::Server as Salvo;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use untxt_workflows::platform::Platform;

use crate::doors::Doors;
use crate::feed::Feed;
use crate::router;

/// How long open requests may take after the shutdown began.
const GRACE: Duration = Duration::from_secs(10);

/// A server that has its address but does not answer yet.
pub struct Server {
    acceptor: TcpAcceptor,
    address: SocketAddr,
}

impl Server {
    /// Takes `address`; port 0 takes any that is free.
    ///
    /// # Errors
    /// When it can't be had.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let acceptor = TcpAcceptor::try_from(listener).map_err(io::Error::other)?;
        Ok(Self { acceptor, address })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `shutdown`, then lets open requests end.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn serve(self, platform: Arc<Platform>, shutdown: CancellationToken) -> io::Result<()> {
        let feed = Feed::start(Arc::clone(&platform), shutdown.clone());
        let doors = Doors { platform, feed, shutdown: shutdown.clone() };
        let server = Salvo::new(self.acceptor);
        let handle = server.handle();
        tokio::spawn(async move {
            shutdown.cancelled().await;
            handle.stop_graceful(GRACE);
        });
        server.try_serve(router::service(doors)).await
    }
}
