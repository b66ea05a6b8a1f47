//! What operators set about the order of work. A row is never removed: setting
//! back is a change too, and its revision has to be heard of.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

#[derive(DeriveIden)]
enum Controls {
    Table,
    Kind,
    Name,
    Value,
    Revision,
}

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table(Controls::Table)
                    .col(string_len(Controls::Kind, 16))
                    .col(string_len(Controls::Name, 64))
                    .col(text(Controls::Value))
                    .col(big_integer(Controls::Revision).unique_key())
                    .primary_key(
                        Index::create().name("controls_pkey").col(Controls::Kind).col(Controls::Name),
                    )
                    .to_owned(),
            )
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(Controls::Table).to_owned()).await
    }
}
