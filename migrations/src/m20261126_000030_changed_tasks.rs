//! What a user's tasks did since a time is found without reading all tasks of
//! that user: those that were changed, and those that have not ended.

use sea_orm_migration::prelude::*;

#[derive(Clone, Copy, DeriveIden)]
enum Tasks {
    Table,
    Id,
    UserId,
    CompletedAt,
    UpdatedAt,
}

const CHANGED: &str = "tasks_user_id_updated_at_idx";
const OPEN: &str = "tasks_open_user_id_updated_at_idx";

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_index(index(CHANGED)).await?;
        let open = index(OPEN).and_where(Expr::col(Tasks::CompletedAt).is_null()).to_owned();
        manager.create_index(open).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for name in [OPEN, CHANGED] {
            manager.drop_index(Index::drop().name(name).table(Tasks::Table).to_owned()).await?;
        }
        Ok(())
    }
}

fn index(name: &str) -> IndexCreateStatement {
    Index::create()
        .name(name)
        .table(Tasks::Table)
        .col(Tasks::UserId)
        .col(Tasks::UpdatedAt)
        .col(Tasks::Id)
        .to_owned()
}
