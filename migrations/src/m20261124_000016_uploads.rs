//! Uploads that clients put into the store themselves, until they are tasks.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

#[derive(DeriveIden)]
enum Uploads {
    Table,
    Id,
    UserId,
    Filename,
    FileSize,
    FileHash,
    ObjectKey,
    TaskId,
    CreatedAt,
    ExpiresAt,
}

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table(Uploads::Table)
                    .col(uuid(Uploads::Id).primary_key())
                    .col(uuid(Uploads::UserId))
                    .col(string_len(Uploads::Filename, 255))
                    .col(big_integer(Uploads::FileSize))
                    .col(string_len_null(Uploads::FileHash, 64))
                    .col(string_len(Uploads::ObjectKey, 1024))
                    .col(uuid_null(Uploads::TaskId))
                    .col(timestamp_with_time_zone(Uploads::CreatedAt))
                    .col(timestamp_with_time_zone(Uploads::ExpiresAt))
                    .to_owned(),
            )
            .await?;
        for (name, columns) in [
            ("uploads_user_id_idx", vec![Uploads::UserId]),
            ("uploads_expires_at_idx", vec![Uploads::ExpiresAt]),
        ] {
            let mut index = Index::create();
            index.name(name).table(Uploads::Table);
            for column in columns {
                index.col(column);
            }
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(Uploads::Table).to_owned()).await
    }
}
