//! What every route may use.

use std::sync::{Arc, LazyLock};

use salvo::prelude::Depot;
use tokio_util::sync::CancellationToken;
use untxt_settings::server::ClientTimeouts;
use untxt_workflows::platform::Platform;
use untxt_workflows::{ocr, registry};
use uuid::Uuid;

use crate::auth::Auth;
use crate::auth::failures::Failures;
use crate::error::ApiError;
use crate::feed::Feed;
use crate::places::{Full, Place, Places};
use crate::turns::Turns;

/// What every route may use.
#[derive(Clone)]
pub struct Doors {
    /// The product.
    pub platform: Arc<Platform>,
    /// What happens to tasks.
    pub feed: Feed,
    /// How many connections may stay open.
    pub places: Places,
    /// Whose turn it is to read what was missed.
    pub turns: Turns,
    /// How long clients may take.
    pub patience: ClientTimeouts,
    /// Tells callers from each other.
    pub auth: Arc<Auth>,
    /// Slows down who is nobody again and again.
    pub(crate) failures: Arc<Failures>,
    /// Fires when the process is to end.
    pub shutdown: CancellationToken,
}

impl Doors {
    /// The doors that the router put into `depot`.
    ///
    /// # Errors
    /// When it did not, which is a fault of the router.
    pub fn of(depot: &Depot) -> Result<&Self, ApiError> {
        let missing =
            |_| ApiError::new(salvo::http::StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", "internal error");
        depot.get_typed::<Self>().map_err(missing)
    }

    /// A place for one more connection of the user's that stays open.
    ///
    /// # Errors
    /// When the user or this process has as many as it may.
    pub fn place(&self, user: Uuid) -> Result<Place, ApiError> {
        self.places.take(user).map_err(|full| match full {
            Full::User { per_user } => ApiError::too_many_connections(per_user),
            Full::Process => ApiError::away_for_now("server, which has as many open connections as it may,"),
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
