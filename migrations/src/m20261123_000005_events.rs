//! The journal: what happened, never changed, in the order of each run's `seq`.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;
use sea_orm_migration::sea_orm::DbBackend;

#[derive(DeriveIden)]
enum Events {
    Table,
    Position,
    RunId,
    Seq,
    AtMs,
    Event,
}

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(table(manager.get_database_backend())).await?;
        if manager.get_database_backend() != DbBackend::Sqlite {
            manager
                .create_index(
                    Index::create()
                        .name("events_position_key")
                        .table(Events::Table)
                        .col(Events::Position)
                        .unique()
                        .to_owned(),
                )
                .await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(Events::Table).to_owned()).await
    }
}

/// `position` orders the events of all runs for whoever follows them. SQLite
/// never gives a number twice only to its integer primary key, so there the key
/// proper, run and sequence, is a unique constraint beside it.
fn table(backend: DbBackend) -> TableCreateStatement {
    let mut key = Index::create();
    key.name("events_pkey").col(Events::RunId).col(Events::Seq);
    let mut position = big_integer(Events::Position).auto_increment().to_owned();
    if backend == DbBackend::Sqlite {
        position.primary_key();
        key.unique();
    } else {
        key.primary();
    }
    Table::create()
        .table(Events::Table)
        .col(position)
        .col(uuid(Events::RunId))
        .col(big_integer(Events::Seq))
        .col(big_integer(Events::AtMs))
        .col(text(Events::Event))
        .index(&mut key)
        .to_owned()
}
