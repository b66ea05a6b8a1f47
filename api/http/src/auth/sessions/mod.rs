//! Sessions of browsers: whoever signed in is known by a cookie. They lie in the
//! database, so that every process takes what any process gave out. What is known of one
//! is looked up once in a while, so that a request costs no query.

mod table;

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::Expr;
use sea_orm::{Condition, QueryOrder, QuerySelect, QueryTrait};
use serde_json::json;
use sha2::{Digest, Sha256};
use tracing::Instrument;
use untxt_engine::engine::Engine;
use untxt_engine::journal::JournalError;
use untxt_engine::journal::database::Database;
use untxt_engine::time::{Clock, Timestamp};

pub use self::table::Model as Session;
use self::table::{ActiveModel, Column, Entity};
use super::AuthError;
use super::awaited::Awaited;
use super::principal::{Principal, Scope};
use super::recent::Recent;

/// How long a session stays without being used: a working day.
pub const IDLE_MAX: Duration = Duration::from_secs(8 * 60 * 60);

/// How long a session lasts at most, if the key or token does.
pub const LIFE_MAX: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Sessions of one caller: every browser of theirs, also where they forgot to sign out.
/// Of more the oldest end.
pub const PER_CALLER_MAX: u64 = 50;

/// How exact `seen_at_ms` is: a row is written no more often.
const SEEN_EVERY: Duration = Duration::from_secs(60);

/// The sessions in a database.
pub(crate) struct Sessions {
    database: Database,
    clock: Arc<dyn Clock>,
    /// By the hash of the secret.
    recent: Recent<String, Session>,
    awaited: Awaited,
}

impl Sessions {
    pub(super) fn new(database: Database, clock: Arc<dyn Clock>) -> Self {
        Self { database, clock, recent: Recent::default(), awaited: Awaited::default() }
    }

    /// Begins a session of `caller`, which ends with what they presented; the session,
    /// and the secret for the cookie, which is kept nowhere. Sessions that are over are
    /// removed on the way.
    ///
    /// # Errors
    /// [`AuthError::Database`], [`AuthError::Journal`]; there is no session then, unless
    /// the answer to its commit was lost.
    pub(super) async fn begin(
        &self,
        engine: &Engine,
        caller: &Principal,
    ) -> Result<(Session, String), AuthError> {
        let now = self.clock.now();
        self.make_room(caller, now).await?;
        let secret = hex::encode(rand::random::<[u8; 32]>());
        let last = now.after(LIFE_MAX);
        let session = Session {
            id: Uuid::now_v7(),
            secret_hash: hash(&secret),
            user_id: caller.user_id().unwrap_or_default(),
            caller: caller.name().to_owned(),
            label: caller.label.clone(),
            scopes: caller.scopes().names().join(","),
            key_id: caller.key,
            created_at_ms: now.0,
            seen_at_ms: now.0,
            expires_at_ms: caller.expires_at.map_or(last, |end| end.min(last)).0,
        };
        let row = Entity::insert(ActiveModel::from(session.clone())).into_query().into();
        let detail = json!({ "user": session.user_id });
        engine.change(row, caller.name(), "sign-in", &subject(session.id), detail).await?;
        Ok((session, secret))
    }

    async fn make_room(&self, caller: &Principal, now: Timestamp) -> Result<(), DbErr> {
        Entity::delete_many().filter(standing(now).not()).exec(&self.database).await?;
        let kept = of(caller).select_only().column(Column::Id).order_by_desc(Column::CreatedAtMs);
        let kept = kept.order_by_desc(Column::Id).offset(PER_CALLER_MAX - 1).limit(PER_CALLER_MAX);
        let oldest: Vec<Uuid> = kept.into_tuple().all(&self.database).await?;
        if oldest.is_empty() {
            return Ok(());
        }
        Entity::delete_many().filter(Column::Id.is_in(oldest.iter().copied())).exec(&self.database).await?;
        oldest.into_iter().for_each(|id| self.forget(id));
        Ok(())
    }

    /// The session that has this secret and has not ended.
    pub(super) async fn find(&self, secret: &str) -> Result<Session, AuthError> {
        let hash = hash(secret);
        let row = Entity::find().filter(Column::SecretHash.eq(hash.as_str())).one(&self.database);
        let found = self.recent.find(&hash, row).await?;
        let now = self.clock.now();
        let session = found.filter(|session| session.ends_at() > now).ok_or_else(over)?;
        self.seen(&session, now);
        Ok(session)
    }

    /// Refuses a session that has ended since.
    pub(super) async fn still_stands(&self, id: Uuid) -> Result<(), AuthError> {
        let standing = self.standing(vec![id]).await?;
        if standing.is_empty() { Err(over()) } else { Ok(()) }
    }

    /// The caller's sessions, newest first: those that were begun with the same key, or
    /// by the same subject of the provider.
    ///
    /// # Errors
    /// What the database says.
    pub(crate) async fn list(&self, caller: &Principal) -> Result<Vec<Session>, DbErr> {
        let standing = of(caller).filter(standing(self.clock.now()));
        // Two that sign in at once may be one too many.
        standing
            .order_by_desc(Column::CreatedAtMs)
            .order_by_desc(Column::Id)
            .limit(2 * PER_CALLER_MAX)
            .all(&self.database)
            .await
    }

    /// Ends one of the caller's sessions: at once through this process, within some
    /// seconds through others. Whether there was one.
    ///
    /// # Errors
    /// The journal's, when it can't be written down; then it goes on, unless the answer
    /// to its commit was lost.
    pub(crate) async fn end(
        &self,
        engine: &Engine,
        caller: &Principal,
        id: Uuid,
    ) -> Result<bool, JournalError> {
        let delete = Entity::delete_many()
            .filter(Column::Id.eq(id))
            .filter(Column::UserId.eq(caller.user_id().unwrap_or_default()))
            .filter(Column::Caller.eq(caller.name()));
        let row = delete.into_query().into();
        let ended = engine.change(row, caller.name(), "sign-out", &subject(id), json!({})).await?;
        if ended {
            self.forget(id);
        }
        Ok(ended)
    }

    /// Until the session ended, which is noticed by
    /// [`look_for_ended`](Self::look_for_ended).
    pub(super) async fn ended(&self, id: Uuid) {
        self.awaited.ended(id).await;
    }

    /// Looks again and again which of the sessions that somebody waits for ended.
    pub(super) async fn look_for_ended(&self) {
        self.awaited.look("sessions", |ids| self.standing(ids).boxed(), |id| self.forget(id)).await;
    }

    async fn standing(&self, ids: Vec<Uuid>) -> Result<Vec<Uuid>, DbErr> {
        let of_them = Entity::find().filter(Column::Id.is_in(ids)).filter(standing(self.clock.now()));
        of_them.select_only().column(Column::Id).into_tuple().all(&self.database).await
    }

    /// Nobody is let in with it through this process any more, and who waits for its end
    /// hears of it.
    fn forget(&self, id: Uuid) {
        self.recent.forget(|_, session| session.id == id);
        self.awaited.end(id);
    }

    /// Writes down that the session was used, beside the request and once a minute at
    /// most.
    fn seen(&self, session: &Session, now: Timestamp) {
        let before = before(now, SEEN_EVERY);
        if session.seen_at_ms > before {
            return;
        }
        self.recent.update(&session.secret_hash, |session| session.seen_at_ms = now.0);
        let (database, id) = (self.database.clone(), session.id);
        let writing = async move {
            let update = Entity::update_many()
                .col_expr(Column::SeenAtMs, Expr::value(now.0))
                .filter(Column::Id.eq(id))
                .filter(Column::SeenAtMs.lte(before));
            if let Err(error) = update.exec(&database).await {
                tracing::warn!(session = %id, %error, "can't record the use of a session");
            }
        };
        tokio::spawn(writing.in_current_span());
    }
}

/// What a session that stands for no key allows.
pub(super) fn scopes(session: &Session) -> super::principal::Scopes {
    session.scopes.split(',').filter_map(Scope::parse).collect()
}

fn of(caller: &Principal) -> Select<Entity> {
    let of_user = Entity::find().filter(Column::UserId.eq(caller.user_id().unwrap_or_default()));
    of_user.filter(Column::Caller.eq(caller.name()))
}

/// Those that have not ended at `now`.
fn standing(now: Timestamp) -> Condition {
    Condition::all().add(Column::ExpiresAtMs.gt(now.0)).add(Column::SeenAtMs.gt(before(now, IDLE_MAX)))
}

fn before(now: Timestamp, earlier: Duration) -> i64 {
    now.0.saturating_sub(i64::try_from(earlier.as_millis()).unwrap_or(i64::MAX))
}

fn over() -> AuthError {
    AuthError::refused("the session has ended; sign in again")
}

fn subject(id: Uuid) -> String {
    format!("session {id}")
}

fn hash(secret: &str) -> String {
    hex::encode(Sha256::digest(secret))
}
