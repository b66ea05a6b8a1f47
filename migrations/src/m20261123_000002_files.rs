//! Uploads and where their results lie.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

#[derive(DeriveIden)]
enum Files {
    Table,
    Id,
    UserId,
    Filename,
    MimeType,
    FileSize,
    S3Key,
    S3ResultKey,
    FileHash,
    Status,
    UploadedAt,
    UpdatedAt,
}

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table(Files::Table)
                    .col(uuid(Files::Id).primary_key())
                    .col(uuid(Files::UserId))
                    .col(string_len(Files::Filename, 255))
                    .col(string_len_null(Files::MimeType, 100))
                    .col(big_integer_null(Files::FileSize))
                    .col(string_len(Files::S3Key, 500))
                    .col(string_len_null(Files::S3ResultKey, 500))
                    .col(string_len_null(Files::FileHash, 64))
                    .col(string_len_null(Files::Status, 50).default("uploaded"))
                    .col(timestamp_with_time_zone_null(Files::UploadedAt).default(Expr::current_timestamp()))
                    .col(timestamp_with_time_zone_null(Files::UpdatedAt).default(Expr::current_timestamp()))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("files_s3_key_key")
                    .table(Files::Table)
                    .col(Files::S3Key)
                    .unique()
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create().name("files_user_id_idx").table(Files::Table).col(Files::UserId).to_owned(),
            )
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(Files::Table).to_owned()).await
    }
}
