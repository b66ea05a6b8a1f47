//! `api_keys`, as the migrations lay it out.

use sea_orm::entity::prelude::*;
use serde_json::{Value, json};
use untxt_engine::time::Timestamp;

use crate::auth::principal::Scopes;
use crate::views::millis;

/// One key, without what lets somebody in.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "api_keys")]
pub struct Model {
    /// Which; it stands in the key itself.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The user who calls with it.
    pub user_id: Uuid,
    /// What it is for, in its maker's words.
    pub name: String,
    /// SHA-256 of the secret, hexadecimal.
    pub secret_hash: String,
    /// What it allows, comma-separated.
    pub scopes: String,
    /// When it was made.
    pub created_at_ms: i64,
    /// By whom.
    pub created_by: String,
    /// From when it lets nobody in.
    pub expires_at_ms: Option<i64>,
    /// When it was last presented, within a minute.
    pub last_used_at_ms: Option<i64>,
    /// Since when it lets nobody in.
    pub revoked_at_ms: Option<i64>,
    /// By whom.
    pub revoked_by: Option<String>,
}

/// A key's user need not exist.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// What it allows. A name that this version does not know allows nothing.
    #[must_use]
    pub fn allows(&self) -> Scopes {
        self.scopes.split(',').filter_map(crate::auth::principal::Scope::parse).collect()
    }

    /// `active`, `expired` or `revoked`.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> &'static str {
        match (self.revoked_at_ms, self.expires_at_ms) {
            (Some(_), _) => "revoked",
            (None, Some(at)) if at <= now.0 => "expired",
            (None, _) => "active",
        }
    }

    /// As operators see it.
    #[must_use]
    pub fn view(&self, now: Timestamp) -> Value {
        let time = |at: Option<i64>| at.map(|at| millis(Timestamp(at)));
        json!({
            "id": self.id,
            "userId": self.user_id,
            "name": self.name,
            "scopes": self.allows().names(),
            "state": self.state(now),
            "createdAt": time(Some(self.created_at_ms)),
            "createdBy": self.created_by,
            "expiresAt": time(self.expires_at_ms),
            "lastUsedAt": time(self.last_used_at_ms),
            "revokedAt": time(self.revoked_at_ms),
            "revokedBy": self.revoked_by,
        })
    }
}
