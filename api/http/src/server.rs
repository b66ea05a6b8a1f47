//! Listens, and says who answers.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use rustix::net::sockopt::set_tcp_nodelay;
use salvo::conn::tcp::TcpAcceptor;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use untxt_settings::server::ServerSettings;
use untxt_workflows::platform::Platform;

use crate::app_state::AppState;
use crate::auth::Auth;
use crate::auth::middleware::Authenticator;
use crate::boxed;
use crate::connection_limiter::ConnectionLimiter;
use crate::connections::{self, ListenerLimits};
use crate::head_errors::HEAD_BYTES_MAX;
use crate::health::HealthState;
use crate::read_limiter::HistoryReadLimiter;
use crate::router;
use crate::routes::create;
use crate::update_hub::UpdateHub;

/// Connections beside those that stay open. Whoever comes later waits in the
/// kernel's queue.
const REQUESTS_MAX: usize = 1_024;

/// Bytes that are read after a refusal at least: of an upload that is far too large
/// as well, for a proxy that is cut off while it sends forgets the answer. The time
/// that is granted ends what is larger.
const LINGER_BYTES: u64 = 1 << 30;

/// Connections to what a worker tells about itself.
const WORKER_CONNECTIONS_MAX: usize = 64;

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
    #[boxed]
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = listen(address).await?;
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
    #[boxed]
    pub async fn serve(
        self,
        platform: Arc<Platform>,
        health: HealthState,
        settings: ServerSettings,
        shutdown: CancellationToken,
    ) {
        let hub = UpdateHub::start(Arc::clone(&platform), shutdown.clone()).await;
        let connections = ConnectionLimiter::new(settings.connections);
        let auth = Arc::new(Auth::new(
            &settings.auth,
            platform.records.database(),
            platform.records.engine().clock(),
        ));
        let (watching, until) = (Arc::clone(&auth), shutdown.clone());
        tokio::spawn(async move { watching.look_for_revoked(until).await });
        let timeouts = settings.timeouts;
        let authenticator = Authenticator::new(Arc::clone(&auth), settings.auth_failures_per_minute);
        // A whole upload may be on its way to somebody who was refused.
        let upload_bytes_max = platform.settings().upload_bytes_max;
        let linger_bytes_max = create::form_bytes_max(upload_bytes_max).max(LINGER_BYTES);
        let state = AppState {
            platform,
            hub,
            connections,
            reads: HistoryReadLimiter::default(),
            timeouts,
            auth,
            authenticator,
            overview: Arc::default(),
            shutdown: shutdown.clone(),
        };
        let open_max = settings.connections.in_all.saturating_add(REQUESTS_MAX);
        let service = router::service(state, health, &settings.cors_origins, &settings.site);
        let limits = ListenerLimits { timeouts, open_max, linger_bytes_max };
        connections::answer(self.acceptor, &service, limits, &shutdown).await;
    }

    /// Tells what a worker tells about itself, until `shutdown`: probes to anybody,
    /// the rest to operators.
    #[boxed]
    pub async fn serve_worker(
        self,
        health: HealthState,
        settings: ServerSettings,
        shutdown: CancellationToken,
    ) {
        let platform = health.platform();
        let auth = Arc::new(Auth::new(
            &settings.auth,
            platform.records.database(),
            platform.records.engine().clock(),
        ));
        let authenticator = Authenticator::new(auth, settings.auth_failures_per_minute);
        let timeouts = settings.timeouts;
        let service = router::worker_service(health, authenticator, timeouts, &settings.site);
        let limits = ListenerLimits {
            timeouts,
            open_max: WORKER_CONNECTIONS_MAX,
            linger_bytes_max: HEAD_BYTES_MAX as u64,
        };
        connections::answer(self.acceptor, &service, limits, &shutdown).await;
    }
}

/// Listens; what is sent on accepted connections goes out at once. They take this
/// over from the listener (Linux). Otherwise the second of two messages to a
/// socket would wait until the client has acknowledged the first, which clients
/// delay by up to 40 ms.
async fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address).await?;
    set_tcp_nodelay(&listener, true)?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn accepted_connections_send_at_once() {
        let listener = listen(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (accepted, _) = listener.accept().await.unwrap();
        assert!(accepted.nodelay().unwrap());
    }
}
