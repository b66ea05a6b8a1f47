//! Authentication and authorisation: [`principal`] is who calls and what they may do,
//! [`keys`] and [`jwt`] authenticate a key or token, tickets authenticate one request
//! without presenting it again and [`sessions`] a browser that signed in, by its cookie
//! (`cookies`); `failures` limits failed attempts, and `middleware` stands before the
//! routes.

pub mod principal;

mod error;
mod tickets;

pub(crate) mod cookies;

mod awaited;
mod recent;

pub mod keys;

pub mod jwt;

pub mod sessions;

pub(crate) mod failures;

pub(crate) mod middleware;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use untxt_engine::engine::Engine;
use untxt_engine::journal::database::Database;
use untxt_engine::time::{Clock, Timestamp};
use untxt_settings::server::AuthSettings;

pub use self::error::AuthError;
use self::jwt::Jwt;
use self::jwt::code_flow::CodeFlow;
use self::keys::Keys;
use self::principal::Principal;
use self::sessions::Sessions;
pub use self::tickets::TICKET_LIFE;
use self::tickets::Tickets;

/// Tells callers from each other.
pub struct Auth {
    mode: AuthMode,
    keys: Keys,
    tickets: Tickets,
    sessions: Sessions,
    clock: Arc<dyn Clock>,
}

enum AuthMode {
    Off,
    ApiKey,
    Jwt(Box<Jwt>),
}

impl Auth {
    /// As `settings` say, over the tables in `database`; keys and tickets end by
    /// `clock`, which all processes share.
    #[must_use]
    pub fn new(settings: &AuthSettings, database: &Database, clock: Arc<dyn Clock>) -> Self {
        let mode = match settings {
            AuthSettings::Off => AuthMode::Off,
            AuthSettings::ApiKey => AuthMode::ApiKey,
            AuthSettings::Jwt(settings) => AuthMode::Jwt(Box::new(Jwt::new(settings))),
        };
        let keys = Keys::new(database.clone(), Arc::clone(&clock));
        let tickets = Tickets::new(database.clone(), Arc::clone(&clock));
        let sessions = Sessions::new(database.clone(), Arc::clone(&clock));
        Self { mode, keys, tickets, sessions, clock }
    }

    /// Whether callers are asked who they are.
    #[must_use]
    pub fn asks(&self) -> bool {
        !matches!(self.mode, AuthMode::Off)
    }

    /// Whether a browser signs in with an API key.
    #[must_use]
    pub fn takes_keys(&self) -> bool {
        matches!(self.mode, AuthMode::ApiKey)
    }

    /// How a browser signs in at the provider, if it can.
    pub(crate) fn code_flow(&self) -> Option<&CodeFlow> {
        match &self.mode {
            AuthMode::Jwt(jwt) => jwt.code_flow.as_ref(),
            AuthMode::Off | AuthMode::ApiKey => None,
        }
    }

    /// The sessions.
    pub(crate) fn sessions(&self) -> &Sessions {
        &self.sessions
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

    /// Begins a session of `caller`; the caller in it, and the secret for the cookie.
    ///
    /// # Errors
    /// [`AuthError::Database`], [`AuthError::Journal`]; then there is none, unless the
    /// answer to its commit was lost.
    pub(crate) async fn sign_in(
        &self,
        engine: &Engine,
        caller: Principal,
    ) -> Result<(Principal, String), AuthError> {
        let (session, secret) = self.sessions.begin(engine, &caller).await?;
        let ends_at = Timestamp(session.expires_at_ms);
        Ok((caller.in_session(session.id).expiring_at(Some(ends_at)), secret))
    }

    /// For whom the session with this secret stands: whoever holds its key, as that is
    /// now, or whom its token named.
    ///
    /// # Errors
    /// [`AuthError::Refused`], [`AuthError::Database`].
    pub(crate) async fn in_session(&self, secret: &str) -> Result<Principal, AuthError> {
        let session = self.sessions.find(secret).await?;
        let caller = match (&self.mode, session.key_id) {
            (AuthMode::ApiKey, Some(key)) => self.keys.holder(key).await?,
            (AuthMode::Jwt(_), None) => {
                let scopes = sessions::scopes(&session);
                Principal::user(&session.caller, session.user_id, scopes).labelled(session.label.as_deref())
            }
            // It was begun before UNTXT_AUTH was changed.
            _ => return Err(AuthError::refused("the session is of another kind; sign in again")),
        };
        let last = Timestamp(session.expires_at_ms);
        let ends_at = caller.expires_at.map_or(last, |end| end.min(last));
        Ok(caller.in_session(session.id).expiring_at(Some(ends_at)))
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
        if let Some(key) = caller.key {
            self.keys.holder(key).await?;
        }
        if let Some(session) = caller.session {
            self.sessions.still_stands(session).await?;
        }
        Ok(caller.by_ticket())
    }

    /// Waits until the credentials of `caller` expire, or are
    /// revoked while somebody [looks](Self::look_for_revoked).
    pub async fn ended(&self, caller: &Principal) {
        tokio::select! {
            () = self.expired(caller.expires_at) => {}
            () = self.revoked(caller) => {}
            () = self.signed_out(caller) => {}
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

    async fn signed_out(&self, caller: &Principal) {
        match caller.session {
            Some(session) => self.sessions.ended(session).await,
            None => std::future::pending().await,
        }
    }

    /// Looks every other second which keys were revoked and which sessions ended of
    /// those that somebody waits for; ends with `shutdown`.
    pub async fn look_for_revoked(&self, shutdown: CancellationToken) {
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = self.keys.look_for_revoked() => {}
            () = self.sessions.look_for_ended() => {}
        }
    }
}
