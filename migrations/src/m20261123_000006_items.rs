//! Items of steps that fan out (pages), each with what its step returned.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

#[derive(DeriveIden)]
enum Items {
    Table,
    RunId,
    Step,
    Item,
    Definition,
    Priority,
    Status,
    Epoch,
    Attempts,
    Error,
    Output,
    DueAtMs,
    HeldBy,
}

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(table()).await?;
        manager
            .create_index(
                Index::create()
                    .name("items_due_idx")
                    .table(Items::Table)
                    .col(Items::Definition)
                    .col((Items::Priority, IndexOrder::Desc))
                    .col(Items::DueAtMs)
                    .and_where(Expr::col(Items::DueAtMs).is_not_null())
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("items_held_idx")
                    .table(Items::Table)
                    .col(Items::HeldBy)
                    .and_where(Expr::col(Items::HeldBy).is_not_null())
                    .to_owned(),
            )
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(Items::Table).to_owned()).await
    }
}

/// `definition` and `priority` repeat the run's, which never change, so that one
/// index finds the most urgent due items. `due_at_ms` and `held_by` are null once
/// the run has ended.
fn table() -> TableCreateStatement {
    Table::create()
        .table(Items::Table)
        .col(uuid(Items::RunId))
        .col(integer(Items::Step))
        .col(big_integer(Items::Item))
        .col(string_len(Items::Definition, 64))
        .col(small_integer(Items::Priority))
        .col(string_len(Items::Status, 10))
        .col(big_integer(Items::Epoch))
        .col(text(Items::Attempts))
        .col(text_null(Items::Error))
        .col(text_null(Items::Output))
        .col(big_integer_null(Items::DueAtMs))
        .col(string_len_null(Items::HeldBy, 128))
        .primary_key(Index::create().name("items_pkey").col(Items::RunId).col(Items::Step).col(Items::Item))
        .to_owned()
}
