//! What waits for a retry is found without looking at what waits for its first
//! attempt; what has ended long ago is found, and marked once its history is
//! pruned.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

#[derive(DeriveIden)]
enum Runs {
    Table,
    Status,
    DueAtMs,
    FinishedAtMs,
    PrunedAtMs,
}

#[derive(DeriveIden)]
enum Items {
    Table,
    DueAtMs,
    Error,
}

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = big_integer_null(Runs::PrunedAtMs);
        manager.alter_table(Table::alter().table(Runs::Table).add_column(column).to_owned()).await?;
        for index in [runs_retry(), items_retry(), runs_unpruned()] {
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (name, table) in [
            ("runs_unpruned_idx", Runs::Table.into_table_ref()),
            ("items_retry_idx", Items::Table.into_table_ref()),
            ("runs_retry_idx", Runs::Table.into_table_ref()),
        ] {
            manager.drop_index(Index::drop().name(name).table(table).to_owned()).await?;
        }
        let alter = Table::alter().table(Runs::Table).drop_column(Runs::PrunedAtMs).to_owned();
        manager.alter_table(alter).await
    }
}

/// A run says `retrying` from the failure of its own slot to the next attempt.
fn runs_retry() -> IndexCreateStatement {
    Index::create()
        .name("runs_retry_idx")
        .table(Runs::Table)
        .col((Runs::DueAtMs, IndexOrder::Desc))
        .and_where(Expr::col(Runs::DueAtMs).is_not_null())
        .and_where(Expr::col(Runs::Status).eq("retrying"))
        .to_owned()
}

/// An item bears its last failure until it is done.
fn items_retry() -> IndexCreateStatement {
    Index::create()
        .name("items_retry_idx")
        .table(Items::Table)
        .col((Items::DueAtMs, IndexOrder::Desc))
        .and_where(Expr::col(Items::DueAtMs).is_not_null())
        .and_where(Expr::col(Items::Error).is_not_null())
        .to_owned()
}

/// Ended runs with a history, the longest ended first.
fn runs_unpruned() -> IndexCreateStatement {
    Index::create()
        .name("runs_unpruned_idx")
        .table(Runs::Table)
        .col(Runs::FinishedAtMs)
        .and_where(Expr::col(Runs::FinishedAtMs).is_not_null())
        .and_where(Expr::col(Runs::PrunedAtMs).is_null())
        .to_owned()
}
