//! Which tasks were erased lately, so that every process can tell whoever
//! listens: the rows and events of the task itself are gone.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

#[derive(DeriveIden)]
enum Erasures {
    Table,
    TaskId,
    UserId,
    ErasedAt,
}

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table(Erasures::Table)
            .col(uuid(Erasures::TaskId).primary_key())
            .col(uuid(Erasures::UserId))
            .col(timestamp_with_time_zone(Erasures::ErasedAt))
            .to_owned();
        manager.create_table(table).await?;
        let index = Index::create()
            .name("erasures_erased_at_idx")
            .table(Erasures::Table)
            .col(Erasures::ErasedAt)
            .col(Erasures::TaskId)
            .to_owned();
        manager.create_index(index).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(Erasures::Table).to_owned()).await
    }
}
