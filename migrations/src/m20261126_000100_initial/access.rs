//! Who may call: API keys, and tickets that stand for a caller once. Both store the
//! SHA-256 of what is presented, never the secret itself.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use super::index::{index, newest_first};

/// In the order in which they are created.
pub(super) const TABLES: [&str; 2] = ["api_keys", "tickets"];

pub(super) fn tables() -> Vec<TableCreateStatement> {
    vec![api_keys(), tickets()]
}

pub(super) fn indexes() -> Vec<IndexCreateStatement> {
    vec![
        newest_first("api_keys_user_id_created_at_idx", "api_keys", &["user_id"], &["created_at_ms"]),
        index("tickets_expires_at_idx", "tickets", &["expires_at_ms"]),
    ]
}

/// A key may be created for a user that has no row yet: no foreign key.
fn api_keys() -> TableCreateStatement {
    Table::create()
        .table("api_keys")
        .col(uuid("id").primary_key())
        .col(uuid("user_id"))
        .col(string_len("name", 100))
        .col(string_len("secret_hash", 64))
        .col(string_len("scopes", 100))
        .col(big_integer("created_at_ms"))
        .col(string_len("created_by", 128))
        .col(big_integer_null("expires_at_ms"))
        .col(big_integer_null("last_used_at_ms"))
        .col(big_integer_null("revoked_at_ms"))
        .col(string_len_null("revoked_by", 128))
        .to_owned()
}

fn tickets() -> TableCreateStatement {
    Table::create()
        .table("tickets")
        .col(string_len("hash", 64).primary_key())
        .col(text("caller"))
        .col(big_integer("expires_at_ms"))
        .to_owned()
}
