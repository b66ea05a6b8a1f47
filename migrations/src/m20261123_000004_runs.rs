//! Where each run stands: what its events add up to.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

#[derive(DeriveIden)]
enum Runs {
    Table,
    Id,
    Definition,
    Version,
    Tenant,
    Priority,
    OnItemFailure,
    Input,
    Status,
    Step,
    Attempts,
    ItemsTotal,
    ItemsDone,
    ItemsFailed,
    Outputs,
    Error,
    Seq,
    CreatedAtMs,
    StartedAtMs,
    FinishedAtMs,
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
                    .name("runs_due_idx")
                    .table(Runs::Table)
                    .col(Runs::Definition)
                    .col((Runs::Priority, IndexOrder::Desc))
                    .col(Runs::DueAtMs)
                    .and_where(Expr::col(Runs::DueAtMs).is_not_null())
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("runs_held_idx")
                    .table(Runs::Table)
                    .col(Runs::HeldBy)
                    .and_where(Expr::col(Runs::HeldBy).is_not_null())
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("runs_created_idx")
                    .table(Runs::Table)
                    .col((Runs::CreatedAtMs, IndexOrder::Desc))
                    .col((Runs::Id, IndexOrder::Desc))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("runs_tenant_created_idx")
                    .table(Runs::Table)
                    .col(Runs::Tenant)
                    .col((Runs::CreatedAtMs, IndexOrder::Desc))
                    .col((Runs::Id, IndexOrder::Desc))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("runs_status_created_idx")
                    .table(Runs::Table)
                    .col(Runs::Status)
                    .col((Runs::CreatedAtMs, IndexOrder::Desc))
                    .col((Runs::Id, IndexOrder::Desc))
                    .to_owned(),
            )
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(Runs::Table).to_owned()).await
    }
}

/// `due_at_ms` and `held_by` say what `attempts` says, but only while the run's
/// own slot is open: they are there to be indexed.
fn table() -> TableCreateStatement {
    Table::create()
        .table(Runs::Table)
        .col(uuid(Runs::Id).primary_key())
        .col(string_len(Runs::Definition, 64))
        .col(integer(Runs::Version))
        .col(string_len(Runs::Tenant, 64))
        .col(small_integer(Runs::Priority))
        .col(string_len(Runs::OnItemFailure, 10))
        .col(text(Runs::Input))
        .col(string_len(Runs::Status, 10))
        .col(integer(Runs::Step))
        .col(text(Runs::Attempts))
        .col(big_integer(Runs::ItemsTotal))
        .col(big_integer(Runs::ItemsDone))
        .col(big_integer(Runs::ItemsFailed))
        .col(text(Runs::Outputs))
        .col(text_null(Runs::Error))
        .col(big_integer(Runs::Seq))
        .col(big_integer(Runs::CreatedAtMs))
        .col(big_integer_null(Runs::StartedAtMs))
        .col(big_integer_null(Runs::FinishedAtMs))
        .col(big_integer_null(Runs::DueAtMs))
        .col(string_len_null(Runs::HeldBy, 128))
        .to_owned()
}
