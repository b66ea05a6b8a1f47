//! Room on each page of `runs` for what its rows become: a run is changed some
//! five times soon after it is made, and where the new row fits beside the old
//! one no index has to hear of it. PostgreSQL only.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        on_postgres(manager, "ALTER TABLE runs SET (fillfactor = 50)").await?;
        on_postgres(manager, "ALTER TABLE items SET (fillfactor = 50)").await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        on_postgres(manager, "ALTER TABLE items RESET (fillfactor)").await?;
        on_postgres(manager, "ALTER TABLE runs RESET (fillfactor)").await
    }
}

async fn on_postgres(manager: &SchemaManager<'_>, sql: &str) -> Result<(), DbErr> {
    if manager.get_database_backend() == DbBackend::Postgres {
        manager.get_connection().execute_unprepared(sql).await?;
    }
    Ok(())
}
