//! What users asked for. A task's id is its run's.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

#[derive(DeriveIden)]
enum Tasks {
    Table,
    Id,
    FileId,
    UserId,
    TaskType,
    Priority,
    Status,
    Result,
    ErrorMessage,
    ErrorCode,
    Engine,
    EngineDigest,
    Formats,
    Options,
    Pages,
    OnPageFailure,
    PagesTotal,
    Step,
    Attempt,
    IdempotencyKey,
    RequestHash,
    CreatedAt,
    StartedAt,
    CompletedAt,
    UpdatedAt,
}

#[derive(DeriveIden)]
enum Files {
    Table,
    Id,
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
                    .name("tasks_user_id_idempotency_key_key")
                    .table(Tasks::Table)
                    .col(Tasks::UserId)
                    .col(Tasks::IdempotencyKey)
                    .unique()
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("tasks_user_id_created_at_idx")
                    .table(Tasks::Table)
                    .col(Tasks::UserId)
                    .col((Tasks::CreatedAt, IndexOrder::Desc))
                    .col(Tasks::Id)
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("tasks_user_id_status_created_at_idx")
                    .table(Tasks::Table)
                    .col(Tasks::UserId)
                    .col(Tasks::Status)
                    .col(Tasks::CreatedAt)
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create().name("tasks_file_id_idx").table(Tasks::Table).col(Tasks::FileId).to_owned(),
            )
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(Tasks::Table).to_owned()).await
    }
}

fn table() -> TableCreateStatement {
    let mut file = ForeignKey::create()
        .name("tasks_file_id_fkey")
        .from(Tasks::Table, Tasks::FileId)
        .to(Files::Table, Files::Id)
        .to_owned();
    Table::create()
        .table(Tasks::Table)
        .col(uuid(Tasks::Id).primary_key())
        .col(uuid_null(Tasks::FileId))
        .col(uuid(Tasks::UserId))
        .col(string_len_null(Tasks::TaskType, 50).default("ocr"))
        .col(integer_null(Tasks::Priority).default(5))
        .col(string_len_null(Tasks::Status, 50).default("queued"))
        .col(json_binary_null(Tasks::Result))
        .col(text_null(Tasks::ErrorMessage))
        .col(string_len_null(Tasks::ErrorCode, 64))
        .col(string_len(Tasks::Engine, 64).default("simulated-qwen3"))
        .col(string_len_null(Tasks::EngineDigest, 64))
        .col(string_len(Tasks::Formats, 100).default("html"))
        .col(json_binary_null(Tasks::Options))
        .col(string_len_null(Tasks::Pages, 500))
        .col(string_len(Tasks::OnPageFailure, 10).default("fail"))
        .col(integer_null(Tasks::PagesTotal))
        .col(string_len_null(Tasks::Step, 50))
        .col(integer(Tasks::Attempt).default(0))
        .col(string_len_null(Tasks::IdempotencyKey, 200))
        .col(string_len_null(Tasks::RequestHash, 64))
        .col(timestamp_with_time_zone_null(Tasks::CreatedAt).default(Expr::current_timestamp()))
        .col(timestamp_with_time_zone_null(Tasks::StartedAt))
        .col(timestamp_with_time_zone_null(Tasks::CompletedAt))
        .col(timestamp_with_time_zone_null(Tasks::UpdatedAt).default(Expr::current_timestamp()))
        .foreign_key(&mut file)
        .to_owned()
}
