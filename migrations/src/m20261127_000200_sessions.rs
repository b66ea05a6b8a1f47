//! Sessions of browsers: each stands for a caller until it ends. A session stores the
//! SHA-256 of the cookie, never the secret itself.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

const TABLE: &str = "sessions";

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(sessions()).await?;
        let mut of_caller = Index::create();
        of_caller.name("sessions_caller_idx").table(TABLE).col("user_id").col("caller");
        manager.create_index(of_caller).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(TABLE).to_owned()).await
    }
}

/// The scopes are those of the token; a key has its own, which may change.
fn sessions() -> TableCreateStatement {
    Table::create()
        .table(TABLE)
        .col(uuid("id").primary_key())
        .col(string_len_uniq("secret_hash", 64))
        .col(uuid("user_id"))
        .col(string_len("caller", 128))
        .col(string_len_null("label", 128))
        .col(string_len("scopes", 100))
        .col(uuid_null("key_id"))
        .col(big_integer("created_at_ms"))
        .col(big_integer("seen_at_ms"))
        .col(big_integer("expires_at_ms"))
        .to_owned()
}
