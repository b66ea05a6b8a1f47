//! The state that all routes share.

use std::sync::{Arc, LazyLock};

use salvo::http::StatusCode;
use salvo::prelude::Depot;
use tokio_util::sync::CancellationToken;
use untxt_settings::server::ClientTimeouts;
use untxt_workflows::platform::Platform;
use untxt_workflows::{ocr, registry};
use uuid::Uuid;

use crate::auth::Auth;
use crate::auth::middleware::Authenticator;
use crate::connection_limiter::{ConnectionLimiter, ConnectionPermit, LimitReached};
use crate::error::ApiError;
use crate::overview::Overview;
use crate::read_limiter::HistoryReadLimiter;
use crate::update_hub::UpdateHub;

/// The state that all routes share. Clones share it.
#[derive(Clone)]
pub struct AppState {
    /// The product.
    pub platform: Arc<Platform>,
    /// What happens to tasks.
    pub hub: UpdateHub,
    /// Limits open WebSockets and event streams.
    pub connections: ConnectionLimiter,
    /// Limits concurrent reads of histories.
    pub reads: HistoryReadLimiter,
    /// How long clients may take.
    pub timeouts: ClientTimeouts,
    /// Keys, tokens and tickets.
    pub auth: Arc<Auth>,
    /// Authenticates callers with `auth` and limits failed attempts.
    pub(crate) authenticator: Authenticator,
    /// The state of the service, for all who look at it.
    pub overview: Arc<Overview>,
    /// Cancelled when the process is to end.
    pub shutdown: CancellationToken,
}

impl AppState {
    /// The state that the router put into `depot`.
    ///
    /// # Errors
    /// When it did not, which is a fault of the router.
    pub fn of(depot: &Depot) -> Result<&Self, ApiError> {
        let missing = |_| ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", "internal error");
        depot.get_typed::<Self>().map_err(missing)
    }

    /// Permits one more WebSocket or event stream of `user`.
    ///
    /// # Errors
    /// When the user or this process has as many as it may.
    pub fn permit_connection(&self, user: Uuid) -> Result<ConnectionPermit, ApiError> {
        self.connections.acquire(user).map_err(|reached| match reached {
            LimitReached::User { per_user } => ApiError::too_many_connections(per_user),
            LimitReached::Process => ApiError::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "SERVICE_UNAVAILABLE",
                "the server has reached its limit of open connections; try again later",
            ),
        })
    }

    /// Names of the workflow's steps, by position. Every message of every socket
    /// asks for them, so they are made once.
    #[must_use]
    pub fn steps() -> &'static [&'static str] {
        static STEPS: LazyLock<Vec<&'static str>> =
            LazyLock::new(|| ocr::definition().steps().iter().map(|step| step.name).collect());
        &STEPS
    }

    /// Name of the step at `position` of a workflow, if this program has it.
    #[must_use]
    pub fn step_name(workflow: &str, position: u16) -> Option<&'static str> {
        registry::definition(workflow)?.step(position).map(|step| step.name)
    }
}
