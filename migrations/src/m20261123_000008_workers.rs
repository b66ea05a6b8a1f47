//! Workers and when each was last heard of.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

#[derive(DeriveIden)]
enum Workers {
    Table,
    Name,
    StartedAtMs,
    HeartbeatAtMs,
}

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table(Workers::Table)
                    .col(string_len(Workers::Name, 128).primary_key())
                    .col(big_integer(Workers::StartedAtMs))
                    .col(big_integer(Workers::HeartbeatAtMs))
                    .to_owned(),
            )
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(Workers::Table).to_owned()).await
    }
}
