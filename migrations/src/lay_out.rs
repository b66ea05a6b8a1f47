//! Laying a database out and taking the layout back, whoever else does the same
//! at that moment.

use sea_orm_migration::MigratorTrait;
use sea_orm_migration::sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, SqliteTransactionMode,
    Statement, TransactionOptions, TransactionTrait,
};

use crate::Migrator;

/// Key of the lock over the layout (a constant of this project).
const LAYOUT_LOCK: i64 = 0x756e_7478_7402;

/// Applies what is missing; how many migrations that were. All of them hold
/// afterwards, or none.
///
/// Of two that are called at once over one database, the second waits for the
/// first and finds nothing left to do.
///
/// # Errors
/// What the database says; nothing was changed.
pub async fn up(db: &DatabaseConnection) -> Result<usize, DbErr> {
    let tx = alone(db).await?;
    let pending = Migrator::get_pending_migrations(&tx).await?.len();
    Migrator::up(&tx, None).await?;
    tx.commit().await?;
    Ok(pending)
}

/// Takes every migration back, with all data, or none.
///
/// # Errors
/// What the database says; nothing was changed.
pub async fn down(db: &DatabaseConnection) -> Result<(), DbErr> {
    let tx = alone(db).await?;
    Migrator::down(&tx, None).await?;
    tx.commit().await
}

/// How many of this program's migrations the database lacks. Those of a newer
/// program don't count: it laid the database out for both. Writes nothing.
///
/// # Errors
/// What the database says, also when it was never laid out.
pub async fn pending(db: &impl ConnectionTrait) -> Result<usize, DbErr> {
    let applied = "SELECT version FROM seaql_migrations".to_owned();
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), applied)).await?;
    let applied: Vec<String> =
        rows.iter().map(|row| row.try_get("", "version")).collect::<Result<_, DbErr>>()?;
    let known = Migrator::migrations();
    Ok(known.iter().filter(|migration| !applied.iter().any(|name| name == migration.name())).count())
}

/// A transaction in which nobody else changes the layout. On PostgreSQL a lock
/// of its own says so, for tables that do not exist yet can't be locked. It is
/// waited for as long as it takes: elsewhere a connection gives up on a lock or a
/// statement after some seconds, and a migration may take longer. On SQLite the
/// transaction is the only writer.
async fn alone(db: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    let immediate = Some(SqliteTransactionMode::Immediate);
    let options = TransactionOptions { sqlite_transaction_mode: immediate, ..TransactionOptions::default() };
    let tx = db.begin_with_options(options).await?;
    if tx.get_database_backend() == DbBackend::Postgres {
        tx.execute_unprepared("SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0").await?;
        tx.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({LAYOUT_LOCK})")).await?;
    }
    Ok(tx)
}
