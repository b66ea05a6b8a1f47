//! Accepts connections, so many at once, and has each answered until it ends.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use salvo::conn::tcp::TcpAcceptor;
use salvo::conn::{Accepted, Acceptor};
use salvo::fuse::FuseConfig;
use salvo::prelude::Service;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use untxt_settings::server::ClientTimeouts;

use crate::head_errors::{HEAD_BYTES_MAX, HEADERS_MAX, HeadErrorStream};
use crate::lingering::LingeringStream;
use crate::request_tracker::{RequestTracker, TrackedRoutes};

/// How long open requests may take after the shutdown began.
const GRACE: Duration = Duration::from_secs(10);

/// How long nothing at all may happen on a connection; sockets and streams say
/// something more often.
const IDLE_MAX: Duration = Duration::from_secs(300);

/// Pause after a connection could not be accepted, as without a free descriptor.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(10);

/// What connections are held to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ListenerLimits {
    /// How long clients may take. Bodies are timed by `body_timeout`.
    pub(crate) timeouts: ClientTimeouts,
    /// How many are open at once. Whoever comes later waits in the kernel's queue.
    pub(crate) open_max: usize,
    /// Bytes that are read after the last answer.
    pub(crate) linger_bytes_max: u64,
}

/// Has `service` answer whoever connects until `shutdown`, then lets open requests
/// end.
pub(crate) async fn answer(
    mut acceptor: TcpAcceptor,
    service: &Service,
    limits: ListenerLimits,
    shutdown: &CancellationToken,
) {
    let permits = Arc::new(Semaphore::new(limits.open_max));
    let policy = FuseConfig::disabled()
        .with_write_stall_timeout(limits.timeouts.client)
        .with_connection_idle_timeout(IDLE_MAX);
    let policy = Arc::new(policy);
    let mut open = JoinSet::new();
    loop {
        let accepted = async {
            let permit = Arc::clone(&permits).acquire_owned().await;
            (permit, acceptor.accept(Some(policy.clone())).await)
        };
        let (permit, accepted) = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = accepted => accepted,
        };
        match accepted {
            Ok(accepted) => {
                let connection = connection(accepted, service, limits, shutdown.clone());
                open.spawn(async move {
                    let _permit = permit;
                    connection.await;
                });
            }
            Err(error) => {
                tracing::error!(%error, "a connection could not be accepted");
                sleep(ACCEPT_AGAIN_AFTER).await;
            }
        }
        while let Some(ended) = open.try_join_next() {
            report(ended);
        }
    }
    // Nobody is let in any more, and whoever is left when the time is over is cut
    // off as `open` is dropped.
    drop(acceptor);
    let ended = async {
        while let Some(ended) = open.join_next().await {
            report(ended);
        }
    };
    if timeout(GRACE, ended).await.is_err() {
        tracing::warn!("requests are still open {GRACE:?} after the shutdown began; they are cut off");
    }
}

fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a connection broke off");
    }
}

/// Answers one connection until it ends.
fn connection(
    accepted: Accepted<<TcpAcceptor as Acceptor>::Coupler, <TcpAcceptor as Acceptor>::Stream>,
    service: &Service,
    limits: ListenerLimits,
    shutdown: CancellationToken,
) -> impl Future<Output = ()> + Send + 'static {
    let tracker = Arc::<RequestTracker>::default();
    let client = accepted.remote_addr.clone().into_std();
    let routes = service.hyper_handler(
        accepted.local_addr,
        accepted.remote_addr,
        accepted.http_scheme,
        accepted.fuse_config,
        accepted.conn_ctrl,
        None,
    );
    let lingering = LingeringStream::new(accepted.stream, limits.linger_bytes_max);
    let stream = HeadErrorStream::new(lingering, client, limits.timeouts.client, Arc::clone(&tracker));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        // Heads are timed in `head_errors`.
        .header_read_timeout(None)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX);
    let answering = TrackedRoutes { routes, tracker };
    async move {
        let mut connection =
            std::pin::pin!(http.serve_connection(TokioIo::new(stream), answering).with_upgrades());
        let ended: Result<(), hyper::Error> = tokio::select! {
            ended = connection.as_mut() => ended,
            () = shutdown.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            let error: io::Error = io::Error::other(error);
            tracing::debug!(%error, "a connection ended early");
        }
    }
}
