//! The rates of bulk redrives that operators changed while these ran.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{double_null, timestamp_with_time_zone, uuid};

/// The migration.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table("redrive_rates")
            .col(uuid("run_id").primary_key())
            .col(double_null("per_second"))
            .col(timestamp_with_time_zone("changed_at"))
            .to_owned();
        manager.create_table(table).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("redrive_rates").to_owned()).await
    }
}
