//! API keys: kept, presented, watched. What is known of a key is looked up once
//! in a while, so that a request costs no query.

mod manage;
mod table;
mod text;

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use sea_orm::QuerySelect;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, ExprTrait};
use tracing::Instrument;
use untxt_engine::journal::database::Database;
use untxt_engine::time::{Clock, Timestamp};

pub use self::manage::{KeyError, KeyPage, LIFE_SECONDS_MAX, NewKey};
pub use self::table::Model as Key;
use self::table::{Column, Entity};
use self::text::KeyText;
use super::AuthError;
use super::awaited::Awaited;
use super::principal::Principal;
use super::recent::Recent;

/// How exact `last_used_at_ms` is: a row is written no more often.
const USED_EVERY: Duration = Duration::from_secs(60);

/// The keys in a database.
pub struct Keys {
    database: Database,
    clock: Arc<dyn Clock>,
    recent: Recent<Uuid, Key>,
    awaited: Awaited,
}

impl Keys {
    /// The keys in `database`, which end by `clock`.
    #[must_use]
    pub fn new(database: Database, clock: Arc<dyn Clock>) -> Self {
        Self { database, clock, recent: Recent::default(), awaited: Awaited::default() }
    }

    /// Whose key that is.
    pub(super) async fn authenticate(&self, presented: &str) -> Result<Principal, AuthError> {
        let text = KeyText::parse(presented)
            .ok_or_else(|| AuthError::refused("that is no API key; one begins with `untxt_`"))?;
        let known = self.known(text.id).await?;
        // The same answer for a key that never was and for a wrong secret.
        let key = known
            .filter(|key| text.is_of(&key.secret_hash))
            .ok_or_else(|| AuthError::refused("the API key is unknown"))?;
        let now = self.clock.now();
        stands(&key, now)?;
        self.used(&key, now);
        Ok(caller(&key))
    }

    /// Whoever holds the key, as it is now: what a session stands for that was begun
    /// with it.
    pub(super) async fn holder(&self, id: Uuid) -> Result<Principal, AuthError> {
        let key = self.known(id).await?.ok_or_else(|| AuthError::refused("the API key is unknown"))?;
        stands(&key, self.clock.now())?;
        Ok(caller(&key))
    }

    /// Until the key is revoked, which is noticed by
    /// [`look_for_revoked`](Self::look_for_revoked).
    pub(super) async fn revoked(&self, id: Uuid) {
        self.awaited.ended(id).await;
    }

    /// Looks again and again which of the keys that somebody waits for were
    /// revoked. While the database is away, none was.
    pub(super) async fn look_for_revoked(&self) {
        self.awaited.look("API keys", |ids| self.standing(ids).boxed(), |id| self.end(id)).await;
    }

    async fn standing(&self, ids: Vec<Uuid>) -> Result<Vec<Uuid>, DbErr> {
        let standing = Entity::find().filter(Column::Id.is_in(ids)).filter(Column::RevokedAtMs.is_null());
        standing.select_only().column(Column::Id).into_tuple().all(&self.database).await
    }

    /// Nobody is let in with it through this process any more, and who waits for
    /// its end hears of it.
    fn end(&self, id: Uuid) {
        self.recent.forget(|key, _| *key == id);
        self.awaited.end(id);
    }

    async fn known(&self, id: Uuid) -> Result<Option<Key>, DbErr> {
        self.recent.find(&id, Entity::find_by_id(id).one(&self.database)).await
    }

    /// Writes down that the key was presented, beside the request and once a
    /// minute at most.
    fn used(&self, key: &Key, now: Timestamp) {
        let before = now.0.saturating_sub(i64::try_from(USED_EVERY.as_millis()).unwrap_or(i64::MAX));
        if key.last_used_at_ms.is_some_and(|at| at > before) {
            return;
        }
        self.recent.update(&key.id, |key| key.last_used_at_ms = Some(now.0));
        let (database, id) = (self.database.clone(), key.id);
        let writing = async move {
            let long_ago = Column::LastUsedAtMs.is_null().or(Column::LastUsedAtMs.lte(before));
            let update = Entity::update_many()
                .col_expr(Column::LastUsedAtMs, Expr::value(now.0))
                .filter(Column::Id.eq(id))
                .filter(long_ago);
            if let Err(error) = update.exec(&database).await {
                tracing::warn!(key = %id, %error, "can't record the use of an API key");
            }
        };
        tokio::spawn(writing.in_current_span());
    }
}

fn stands(key: &Key, now: Timestamp) -> Result<(), AuthError> {
    match key.state(now) {
        "active" => Ok(()),
        state => Err(AuthError::refused(format!("the API key {} is {state}", key.id))),
    }
}

fn caller(key: &Key) -> Principal {
    let known = Principal::user(&format!("key:{}", key.id), key.user_id, key.allows());
    let known = known.with_key(key.id).labelled(Some(&key.name));
    known.expiring_at(key.expires_at_ms.map(Timestamp))
}
