//! The tables of version 0.1.0.

mod access;
mod index;
mod journal;
mod product;

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();
        for table in [product::tables(), journal::tables(backend), access::tables()].concat() {
            manager.create_table(table).await?;
        }
        for index in [product::indexes(), journal::indexes(backend), access::indexes()].concat() {
            manager.create_index(index).await?;
        }
        if backend == DbBackend::Postgres {
            for statement in journal::POSTGRES_STORAGE {
                manager.get_connection().execute_unprepared(statement).await?;
            }
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let names = [product::TABLES.as_slice(), &journal::TABLES, &access::TABLES].concat();
        // `tasks` refers to `files`, which was created before it.
        for name in names.into_iter().rev() {
            manager.drop_table(Table::drop().table(name).to_owned()).await?;
        }
        Ok(())
    }
}
