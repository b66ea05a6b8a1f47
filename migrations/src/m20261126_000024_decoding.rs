//! How much longer a task's pages took to decode than pages usually do.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

#[derive(DeriveIden)]
enum Tasks {
    Table,
    DecodeExcessMs,
}

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut excess = big_integer(Tasks::DecodeExcessMs).default(0).to_owned();
        let add = Table::alter().table(Tasks::Table).add_column(&mut excess).to_owned();
        manager.alter_table(add).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let drop = Table::alter().table(Tasks::Table).drop_column(Tasks::DecodeExcessMs).to_owned();
        manager.alter_table(drop).await
    }
}
