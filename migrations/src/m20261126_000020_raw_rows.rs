//! A dead letter about a row that can't be read keeps that row.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

#[derive(DeriveIden)]
enum DeadLetters {
    Table,
    Raw,
}

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut raw = text_null(DeadLetters::Raw);
        let add = Table::alter().table(DeadLetters::Table).add_column(&mut raw).to_owned();
        manager.alter_table(add).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let drop = Table::alter().table(DeadLetters::Table).drop_column(DeadLetters::Raw).to_owned();
        manager.alter_table(drop).await
    }
}
