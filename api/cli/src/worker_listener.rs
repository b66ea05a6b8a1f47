//! The listener of a worker: health, readiness, status and metrics.

use std::io;
use std::net::SocketAddr;

use tokio_util::sync::CancellationToken;
use untxt_api::health::HealthState;
use untxt_api::server::Server;
use untxt_settings::server::ServerSettings;

use crate::failure::Failure;
use crate::output;

/// Listens at `address` and prints it; `None` when the port is taken. A second worker on
/// one machine then works without a listener.
pub(crate) async fn listen(address: SocketAddr) -> Result<Option<Server>, Failure> {
    match Server::bind(address).await {
        Ok(server) => {
            output::line(&format!("watched on http://{}", server.address()));
            Ok(Some(server))
        }
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            tracing::warn!(
                %address,
                "the port is taken, so this worker has no /health, /ready, /status and /metrics; \
                 set UNTXT_WORKER_LISTEN to another one, or to port 0 for any that is free"
            );
            Ok(None)
        }
        Err(error) => Err(Failure::usage(format!("can't listen on UNTXT_WORKER_LISTEN={address}: {error}"))),
    }
}

/// Serves until `shutdown`.
pub(crate) async fn serve(
    server: Option<Server>,
    health: HealthState,
    settings: ServerSettings,
    shutdown: CancellationToken,
) {
    if let Some(server) = server {
        server.serve_worker(health, settings, shutdown).await;
    }
}
