//! Objects that are to go: written in the commit that takes away what named
//! them, and gone once the store has confirmed it.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

#[derive(DeriveIden)]
enum Removals {
    Table,
    Id,
    ObjectKey,
    DueAt,
    Attempts,
}

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table(Removals::Table)
                    .col(uuid(Removals::Id).primary_key())
                    .col(string_len(Removals::ObjectKey, 1024))
                    .col(timestamp_with_time_zone(Removals::DueAt))
                    .col(integer(Removals::Attempts).default(0))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("removals_due_idx")
                    .table(Removals::Table)
                    .col(Removals::DueAt)
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(Removals::Table).to_owned()).await
    }
}
