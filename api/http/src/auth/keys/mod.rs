//! API keys: kept, presented, watched. What is known of a key is looked up once
//! in a while, so that a request costs no query.

mod manage;
mod table;
mod text;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use sea_orm::QuerySelect;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, ExprTrait};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use untxt_engine::journal::database::Database;
use untxt_engine::time::{Clock, Timestamp};

pub use self::manage::{KeyError, KeyPage, LIFE_SECONDS_MAX, NewKey};
pub use self::table::Model as Key;
use self::table::{Column, Entity};
use self::text::KeyText;
use super::AuthError;
use super::principal::Principal;

/// How long what is known of a key is believed: so long a revoked key may still
/// let somebody in through another process.
const BELIEVED_FOR: Duration = Duration::from_secs(2);

/// Keys that are remembered; beyond it those are forgotten that are not believed
/// any more, and all if that is not enough.
const REMEMBERED_MAX: usize = 10_000;

/// How often it is looked which keys were revoked.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Keys that are looked for by one statement.
const LOOKED_FOR_AT_ONCE: usize = 500;

/// How exact `last_used_at_ms` is: a row is written no more often.
const USED_EVERY: Duration = Duration::from_secs(60);

/// The keys in a database.
pub struct Keys {
    database: Database,
    clock: Arc<dyn Clock>,
    remembered: Mutex<HashMap<Uuid, Remembered>>,
    /// Who waits for a key's end holds its token.
    awaited: Mutex<HashMap<Uuid, Weak<CancellationToken>>>,
}

struct Remembered {
    key: Key,
    at: Instant,
}

impl Keys {
    /// The keys in `database`, which end by `clock`.
    #[must_use]
    pub fn new(database: Database, clock: Arc<dyn Clock>) -> Self {
        Self { database, clock, remembered: Mutex::default(), awaited: Mutex::default() }
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

    /// Refuses a key that has expired or was revoked since.
    pub(super) async fn still_stands(&self, id: Uuid) -> Result<(), AuthError> {
        let key = self.known(id).await?.ok_or_else(|| AuthError::refused("the API key is unknown"))?;
        stands(&key, self.clock.now())
    }

    /// Until the key is revoked, which is noticed by
    /// [`look_for_revoked`](Self::look_for_revoked).
    pub(super) async fn revoked(&self, id: Uuid) {
        let token = {
            let mut awaited = lock(&self.awaited);
            awaited.get(&id).and_then(Weak::upgrade).unwrap_or_else(|| {
                let token = Arc::new(CancellationToken::new());
                awaited.insert(id, Arc::downgrade(&token));
                token
            })
        };
        token.cancelled().await;
    }

    /// Looks again and again which of the keys that somebody waits for were
    /// revoked. While the database is away, none was.
    pub(super) async fn look_for_revoked(&self) {
        let mut pace = tokio::time::interval(LOOK_EVERY);
        loop {
            pace.tick().await;
            let awaited: Vec<Uuid> = {
                let mut awaited = lock(&self.awaited);
                awaited.retain(|_, token| token.strong_count() > 0);
                awaited.keys().copied().collect()
            };
            for ids in awaited.chunks(LOOKED_FOR_AT_ONCE) {
                match self.standing(ids).await {
                    Ok(standing) => {
                        ids.iter().filter(|id| !standing.contains(id)).for_each(|id| self.end(*id))
                    }
                    Err(error) => tracing::warn!(%error, "can't check for revoked API keys"),
                }
            }
        }
    }

    async fn standing(&self, ids: &[Uuid]) -> Result<Vec<Uuid>, DbErr> {
        let of_them = Entity::find().filter(Column::Id.is_in(ids.iter().copied()));
        let standing = of_them.filter(Column::RevokedAtMs.is_null());
        standing.select_only().column(Column::Id).into_tuple().all(&self.database).await
    }

    /// Nobody is let in with it through this process any more, and who waits for
    /// its end hears of it.
    fn end(&self, id: Uuid) {
        lock(&self.remembered).remove(&id);
        let awaited = lock(&self.awaited).remove(&id);
        if let Some(token) = awaited.and_then(|token| token.upgrade()) {
            token.cancel();
        }
    }

    /// The key, as it was [`BELIEVED_FOR`] ago at most.
    async fn known(&self, id: Uuid) -> Result<Option<Key>, DbErr> {
        if let Some(key) = self.recalled(id) {
            return Ok(Some(key));
        }
        let found = Entity::find_by_id(id).one(&self.database).await;
        let mut remembered = lock(&self.remembered);
        // What is not there is not remembered: anybody may ask for anything.
        match &found {
            Ok(Some(key)) => {
                make_room(&mut remembered);
                remembered.insert(id, Remembered { key: key.clone(), at: Instant::now() });
            }
            Ok(None) | Err(_) => drop(remembered.remove(&id)),
        }
        found
    }

    /// What is remembered of a key and still believed. Of those who find that it
    /// isn't, the first looks it up, and the others go by it meanwhile.
    fn recalled(&self, id: Uuid) -> Option<Key> {
        let mut remembered = lock(&self.remembered);
        let found = remembered.get_mut(&id)?;
        if found.at.elapsed() > BELIEVED_FOR {
            found.at = Instant::now();
            return None;
        }
        Some(found.key.clone())
    }

    /// Writes down that the key was presented, beside the request and once a
    /// minute at most.
    fn used(&self, key: &Key, now: Timestamp) {
        let before = now.0.saturating_sub(i64::try_from(USED_EVERY.as_millis()).unwrap_or(i64::MAX));
        if key.last_used_at_ms.is_some_and(|at| at > before) {
            return;
        }
        if let Some(found) = lock(&self.remembered).get_mut(&key.id) {
            found.key.last_used_at_ms = Some(now.0);
        }
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn make_room(remembered: &mut HashMap<Uuid, Remembered>) {
    if remembered.len() >= REMEMBERED_MAX {
        remembered.retain(|_, found| found.at.elapsed() <= BELIEVED_FOR);
    }
    if remembered.len() >= REMEMBERED_MAX {
        remembered.clear();
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
    known.with_key(key.id).expiring_at(key.expires_at_ms.map(Timestamp))
}
