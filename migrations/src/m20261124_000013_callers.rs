//! Who may call: keys, and tickets that stand for a caller once. Neither holds
//! what is presented, only its SHA-256.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

#[derive(DeriveIden)]
enum ApiKeys {
    Table,
    Id,
    UserId,
    Name,
    SecretHash,
    Scopes,
    CreatedAtMs,
    CreatedBy,
    ExpiresAtMs,
    LastUsedAtMs,
    RevokedAtMs,
    RevokedBy,
}

#[derive(DeriveIden)]
enum Tickets {
    Table,
    Hash,
    Caller,
    ExpiresAtMs,
}

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(keys()).await?;
        let of_user = Index::create()
            .name("api_keys_user_id_created_at_idx")
            .table(ApiKeys::Table)
            .col(ApiKeys::UserId)
            .col((ApiKeys::CreatedAtMs, IndexOrder::Desc))
            .to_owned();
        manager.create_index(of_user).await?;
        manager.create_table(tickets()).await?;
        let expired = Index::create()
            .name("tickets_expires_at_idx")
            .table(Tickets::Table)
            .col(Tickets::ExpiresAtMs)
            .to_owned();
        manager.create_index(expired).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(Tickets::Table).to_owned()).await?;
        manager.drop_table(Table::drop().table(ApiKeys::Table).to_owned()).await
    }
}

/// A key may be made for a user who was never heard of: no foreign key.
fn keys() -> TableCreateStatement {
    Table::create()
        .table(ApiKeys::Table)
        .col(uuid(ApiKeys::Id).primary_key())
        .col(uuid(ApiKeys::UserId))
        .col(string_len(ApiKeys::Name, 100))
        .col(string_len(ApiKeys::SecretHash, 64))
        .col(string_len(ApiKeys::Scopes, 100))
        .col(big_integer(ApiKeys::CreatedAtMs))
        .col(string_len(ApiKeys::CreatedBy, 128))
        .col(big_integer_null(ApiKeys::ExpiresAtMs))
        .col(big_integer_null(ApiKeys::LastUsedAtMs))
        .col(big_integer_null(ApiKeys::RevokedAtMs))
        .col(string_len_null(ApiKeys::RevokedBy, 128))
        .to_owned()
}

fn tickets() -> TableCreateStatement {
    Table::create()
        .table(Tickets::Table)
        .col(string_len(Tickets::Hash, 64).primary_key())
        .col(text(Tickets::Caller))
        .col(big_integer(Tickets::ExpiresAtMs))
        .to_owned()
}
