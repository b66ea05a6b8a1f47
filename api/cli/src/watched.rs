//! The listener on which a process that works tells about itself.

use std::io;
use std::net::SocketAddr;

use tokio_util::sync::CancellationToken;
use untxt_api::server::Server;
use untxt_api::vitals::Vitals;
use untxt_settings::server::ServerSettings;

use crate::failure::Failure;
use crate::output;

/// Listens at `address` and says so; `None` when somebody else does already. A
/// second worker on one machine is no reason not to work: it does so unwatched.
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

/// Tells until `shutdown`.
pub(crate) async fn tell(
    server: Option<Server>,
    vitals: Vitals,
    settings: ServerSettings,
    shutdown: CancellationToken,
) {
    if let Some(server) = server {
        server.serve_worker(vitals, settings, shutdown).await;
    }
}
