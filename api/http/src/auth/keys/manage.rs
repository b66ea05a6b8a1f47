//! What operators do about keys: made, listed, revoked; each written down.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::Expr;
use sea_orm::{ConnectionTrait, FromQueryResult, PaginatorTrait, QueryOrder, QuerySelect, QueryTrait};
use serde_json::json;
use untxt_engine::engine::Engine;
use untxt_engine::journal::JournalError;

use super::Keys;
use super::table::{ActiveModel, Column, Entity, Model};
use super::text::KeyText;
use crate::auth::principal::Scopes;

/// Characters of a name.
const NAME_CHARS_MAX: usize = 100;

/// Seconds that a key with an end lives at most: ten years. One without an end
/// is said to have none.
pub const LIFE_SECONDS_MAX: u64 = 10 * 365 * 24 * 60 * 60;

/// A key that is wanted.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// The user who calls with it.
    pub user: Uuid,
    /// What it is for.
    pub name: String,
    /// What it allows; at least one.
    pub scopes: Scopes,
    /// Seconds after which it lets nobody in; never when absent.
    pub life_seconds: Option<u64>,
}

/// Why a key was not made, found or revoked.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A field says what it may not.
    #[error("{field}: {reason}")]
    Field {
        /// Which.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// No key has that id.
    #[error("there is no API key {0}")]
    NotFound(Uuid),
    /// The table can't be used.
    #[error("the database does not answer: {0}; check DATABASE_URL and the server")]
    Database(#[from] DbErr),
    /// It can't be done and written down.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// A page of the list of keys.
#[derive(Debug, Default)]
pub struct KeyPage {
    /// Those that can be read, newest first.
    pub keys: Vec<Model>,
    /// Those that can't, by their ids where at least that can be; they let nobody
    /// in.
    pub unreadable: Vec<Option<Uuid>>,
    /// How many there are in all.
    pub total: u64,
}

impl KeyPage {
    /// How many stand on this page.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len() + self.unreadable.len()
    }

    /// Whether there is none on this page.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Keys {
    /// Makes a key; its row, and the text that lets its owner in, which is kept
    /// nowhere. `by` is who asks, for the audit.
    ///
    /// # Errors
    /// [`KeyError::Field`], [`KeyError::Journal`]; there is no key then, unless
    /// the answer to its commit was lost.
    pub async fn create(&self, engine: &Engine, new: NewKey, by: &str) -> Result<(Model, String), KeyError> {
        check(&new)?;
        let (text, now) = (KeyText::new(), self.clock.now());
        let life = new.life_seconds.map(std::time::Duration::from_secs);
        let key = Model {
            id: text.id,
            user_id: new.user,
            name: new.name,
            secret_hash: text.hash(),
            scopes: new.scopes.names().join(","),
            created_at_ms: now.0,
            created_by: by.to_owned(),
            expires_at_ms: life.map(|life| now.after(life).0),
            last_used_at_ms: None,
            revoked_at_ms: None,
            revoked_by: None,
        };
        let row = Entity::insert(ActiveModel::from(key.clone())).into_query().into();
        let detail = json!({ "user": key.user_id, "name": key.name, "scopes": key.scopes });
        engine.change(row, by, "create-key", &format!("key {}", key.id), detail).await?;
        Ok((key, text.reveal()))
    }

    /// Keys, newest first, and how many there are in all; only `user`'s if one is
    /// named. One that can't be read hides no other.
    ///
    /// # Errors
    /// [`KeyError::Database`].
    pub async fn list(&self, user: Option<Uuid>, limit: u64, offset: u64) -> Result<KeyPage, KeyError> {
        let mut query = Entity::find();
        if let Some(user) = user {
            query = query.filter(Column::UserId.eq(user));
        }
        let total = query.clone().count(&self.database).await?;
        let newest = query.order_by_desc(Column::CreatedAtMs).order_by_desc(Column::Id);
        let page = newest.limit(limit).offset(offset).build(self.database.get_database_backend());
        let mut listed = KeyPage { total, ..KeyPage::default() };
        for row in self.database.query_all_raw(page).await? {
            match Model::from_query_result(&row, "") {
                Ok(key) => listed.keys.push(key),
                Err(problem) => {
                    let id = row.try_get("", "id").ok();
                    tracing::warn!(key = ?id, %problem, "a row of the table of API keys can't be read");
                    listed.unreadable.push(id);
                }
            }
        }
        Ok(listed)
    }

    /// Has a key let nobody in: at once through this process, within some seconds
    /// through others. One that was revoked before stays as it was.
    ///
    /// # Errors
    /// [`KeyError::NotFound`], [`KeyError::Database`], [`KeyError::Journal`]; it
    /// may be revoked when the answer to its commit was lost, and can be again.
    pub async fn revoke(&self, engine: &Engine, id: Uuid, by: &str) -> Result<Model, KeyError> {
        let key = || async { Entity::find_by_id(id).one(&self.database).await };
        let user = key().await?.ok_or(KeyError::NotFound(id))?.user_id;
        let update = Entity::update_many()
            .col_expr(Column::RevokedAtMs, Expr::value(self.clock.now().0))
            .col_expr(Column::RevokedBy, Expr::value(by))
            .filter(Column::Id.eq(id))
            .filter(Column::RevokedAtMs.is_null());
        let detail = json!({ "user": user });
        engine.change(update.into_query().into(), by, "revoke-key", &format!("key {id}"), detail).await?;
        self.end(id);
        key().await?.ok_or(KeyError::NotFound(id))
    }
}

fn check(new: &NewKey) -> Result<(), KeyError> {
    let refuse = |field, reason: String| Err(KeyError::Field { field, reason });
    if new.name.chars().count() > NAME_CHARS_MAX || new.name.chars().any(char::is_control) {
        return refuse("name", format!("at most {NAME_CHARS_MAX} characters on one line"));
    }
    if new.scopes.is_empty() {
        return refuse("scopes", "name at least one of submit, read, operate, admin".to_owned());
    }
    if new.life_seconds.is_some_and(|seconds| !(1..=LIFE_SECONDS_MAX).contains(&seconds)) {
        return refuse("expiresIn", format!("1 to {LIFE_SECONDS_MAX} seconds"));
    }
    Ok(())
}
