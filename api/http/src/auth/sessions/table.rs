//! `sessions`, as the migrations lay it out.

use sea_orm::entity::prelude::*;
use serde_json::{Value, json};
use untxt_engine::time::Timestamp;

use super::IDLE_MAX;
use crate::views::millis;

/// One session, without what lets somebody in.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sessions")]
pub struct Model {
    /// Which; it tells nothing of the secret.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// SHA-256 of the secret, hexadecimal.
    pub secret_hash: String,
    /// The user who signed in.
    pub user_id: Uuid,
    /// As the audit names them.
    pub caller: String,
    /// Their name for people, if there is one.
    pub label: Option<String>,
    /// What it allows, comma-separated, unless it stands for a key.
    pub scopes: String,
    /// The key that was presented, if it was one.
    pub key_id: Option<Uuid>,
    /// When they signed in.
    pub created_at_ms: i64,
    /// When it was last used, within a minute.
    pub seen_at_ms: i64,
    /// When it ends whether or not it is used.
    pub expires_at_ms: i64,
}

/// A session's user need not exist.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// When it ends unless it is used until then.
    pub(super) fn ends_at(&self) -> Timestamp {
        Timestamp(self.expires_at_ms.min(Timestamp(self.seen_at_ms).after(IDLE_MAX).0))
    }

    /// As its owner sees it.
    pub(crate) fn view(&self, current: Option<Uuid>) -> Value {
        json!({
            "id": self.id,
            "name": self.label.as_ref().unwrap_or(&self.caller),
            "createdAt": millis(Timestamp(self.created_at_ms)),
            "lastSeenAt": millis(Timestamp(self.seen_at_ms)),
            "expiresAt": millis(Timestamp(self.expires_at_ms)),
            "current": current == Some(self.id),
        })
    }
}
