//! What is looked for again and again is found without reading whole tables:
//! tasks that ended long ago, and the newest tasks of all users. Who makes the
//! hourly passes is agreed upon.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

#[derive(Clone, Copy, DeriveIden)]
enum Tasks {
    Table,
    Id,
    CreatedAt,
    CompletedAt,
}

#[derive(DeriveIden)]
enum Passes {
    Table,
    Name,
    BeganAtMs,
}

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let completed = Index::create()
            .name("tasks_completed_at_idx")
            .table(Tasks::Table)
            .col(Tasks::CompletedAt)
            .col(Tasks::Id)
            .and_where(Expr::col(Tasks::CompletedAt).is_not_null())
            .to_owned();
        let newest = Index::create()
            .name("tasks_created_at_idx")
            .table(Tasks::Table)
            .col((Tasks::CreatedAt, IndexOrder::Desc))
            .col((Tasks::Id, IndexOrder::Desc))
            .to_owned();
        for index in [completed, newest] {
            manager.create_index(index).await?;
        }
        let passes = Table::create()
            .table(Passes::Table)
            .col(string_len(Passes::Name, 32).primary_key())
            .col(big_integer(Passes::BeganAtMs))
            .to_owned();
        manager.create_table(passes).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(Passes::Table).to_owned()).await?;
        for name in ["tasks_created_at_idx", "tasks_completed_at_idx"] {
            manager.drop_index(Index::drop().name(name).table(Tasks::Table).to_owned()).await?;
        }
        Ok(())
    }
}
