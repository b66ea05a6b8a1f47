//! Work that can't be done and waits for a person.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

#[derive(DeriveIden)]
enum DeadLetters {
    Table,
    Id,
    RunId,
    Definition,
    Tenant,
    Step,
    Item,
    Reason,
    Attempts,
    Error,
    AtMs,
}

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table(DeadLetters::Table)
                    .col(uuid(DeadLetters::Id).primary_key())
                    .col(uuid(DeadLetters::RunId))
                    .col(string_len(DeadLetters::Definition, 64))
                    .col(string_len(DeadLetters::Tenant, 64))
                    .col(integer(DeadLetters::Step))
                    .col(big_integer_null(DeadLetters::Item))
                    .col(text(DeadLetters::Reason))
                    .col(big_integer(DeadLetters::Attempts))
                    .col(text(DeadLetters::Error))
                    .col(big_integer(DeadLetters::AtMs))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("dead_letters_at_idx")
                    .table(DeadLetters::Table)
                    .col((DeadLetters::AtMs, IndexOrder::Desc))
                    .col((DeadLetters::Id, IndexOrder::Desc))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("dead_letters_run_id_at_idx")
                    .table(DeadLetters::Table)
                    .col(DeadLetters::RunId)
                    .col((DeadLetters::AtMs, IndexOrder::Desc))
                    .col((DeadLetters::Id, IndexOrder::Desc))
                    .to_owned(),
            )
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(DeadLetters::Table).to_owned()).await
    }
}
