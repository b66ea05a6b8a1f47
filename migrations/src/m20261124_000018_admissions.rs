//! When users began tasks, also those that are erased.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

#[derive(DeriveIden)]
enum Admissions {
    Table,
    Id,
    UserId,
    AdmittedAt,
}

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table(Admissions::Table)
                    .col(uuid(Admissions::Id).primary_key())
                    .col(uuid(Admissions::UserId))
                    .col(timestamp_with_time_zone(Admissions::AdmittedAt))
                    .to_owned(),
            )
            .await?;
        for (name, columns) in [
            ("admissions_user_id_admitted_at_idx", vec![Admissions::UserId, Admissions::AdmittedAt]),
            ("admissions_admitted_at_idx", vec![Admissions::AdmittedAt]),
        ] {
            let mut index = Index::create();
            index.name(name).table(Admissions::Table);
            for column in columns {
                index.col(column);
            }
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(Admissions::Table).to_owned()).await
    }
}
