//! Authentication and authorisation: [`principal`] is who calls and what they may do,
//! [`keys`] and [`jwt`] authenticate a key or token, tickets authenticate one request
//! without presenting it again, `failures` limits failed attempts, and `middleware`
//! stands before the routes.

pub mod principal;

mod error;
mod tickets;

pub mod keys;

pub mod jwt;

pub(crate) mod failures;

pub(crate) mod middleware;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use untxt_engine::journal::database::Database;
use untxt_engine::time::{Clock, Timestamp};
use untxt_settings::server::AuthSettings;

pub use self::error::AuthError;
use self::jwt::Jwt;
use self::keys::Keys;
use self::principal::Principal;
pub use self::tickets::TICKET_LIFE;
use self::tickets::Tickets;

/// Tells callers from each other.
pub struct Auth {
    mode: AuthMode,
    keys: Keys,
    tickets: Tickets,
    clock: Arc<dyn Clock>,
}

enum AuthMode {
    Off,
    ApiKey,
    Jwt(Jwt),
}

impl Auth {
    /// As `settings` say, over the tables in `database`; keys and tickets end by
    /// `clock`, which all processes share.
    #[must_use]
    pub fn new(settings: &AuthSettings, database: &Database, clock: Arc<dyn Clock>) -> Self {
        let mode = match settings {
            AuthSettings::Off => AuthMode::Off,
            AuthSettings::ApiKey => AuthMode::ApiKey,
            AuthSettings::Jwt(settings) => AuthMode::Jwt(Jwt::new(settings)),
        };
        let keys = Keys::new(database.clone(), Arc::clone(&clock));
        Self { mode, keys, tickets: Tickets::new(database.clone(), Arc::clone(&clock)), clock }
    }

    /// Whether callers are asked who they are.
    #[must_use]
    pub fn asks(&self) -> bool {
        !matches!(self.mode, AuthMode::Off)
    }

    /// The keys.
    #[must_use]
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Whose key or token that is.
    ///
    /// # Errors
    /// Each [`AuthError`].
    pub async fn authenticate(&self, presented: &str) -> Result<Principal, AuthError> {
        match &self.mode {
            AuthMode::Off => Ok(Principal::anonymous(None)),
            AuthMode::ApiKey => self.keys.authenticate(presented).await,
            AuthMode::Jwt(jwt) => jwt.authenticate(presented).await,
        }
    }

    /// A ticket that stands for `caller` once, for [`TICKET_LIFE`].
    ///
    /// # Errors
    /// [`AuthError::Database`].
    pub async fn ticket(&self, caller: &Principal) -> Result<String, AuthError> {
        Ok(self.tickets.issue(caller).await?)
    }

    /// For whom a ticket stood. It stands for nobody afterwards.
    ///
    /// # Errors
    /// [`AuthError::Refused`] also when its caller is nobody any more,
    /// [`AuthError::Database`].
    pub async fn redeem(&self, ticket: &str) -> Result<Principal, AuthError> {
        let unknown = || AuthError::refused("the ticket is unknown, used, or older than 30 seconds");
        let caller = self.tickets.redeem(ticket).await?.ok_or_else(unknown)?;
        if caller.expires_at.is_some_and(|until| until <= self.clock.now()) {
            return Err(AuthError::refused("what the ticket was given for has expired"));
        }
        match caller.key {
            Some(key) => self.keys.still_stands(key).await.map(|()| caller),
            None => Ok(caller),
        }
    }

    /// Waits until the credentials of `caller` expire, or are
    /// revoked while somebody [looks](Self::look_for_revoked).
    pub async fn ended(&self, caller: &Principal) {
        tokio::select! {
            () = self.expired(caller.expires_at) => {}
            () = self.revoked(caller) => {}
        }
    }

    async fn expired(&self, until: Option<Timestamp>) {
        match until {
            Some(until) => tokio::time::sleep(until.since(self.clock.now())).await,
            None => std::future::pending().await,
        }
    }

    async fn revoked(&self, caller: &Principal) {
        match caller.key {
            Some(key) => self.keys.revoked(key).await,
            None => std::future::pending().await,
        }
    }

    /// Looks every other second which keys were revoked of those that somebody
    /// waits for; ends with `shutdown`.
    pub async fn look_for_revoked(&self, shutdown: CancellationToken) {
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = self.keys.look_for_revoked() => {}
        }
    }
}
