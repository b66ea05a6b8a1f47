//! Applies and reverts migrations, also when several processes do so at once.

use sea_orm_migration::sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
};
use sea_orm_migration::{MigratorTrait, SchemaManager};

use crate::adoption::{adopt, applied};
use crate::migrator::Migrator;

/// Key of the advisory lock of migrations (a constant of this project).
const LAYOUT_LOCK: i64 = 0x756e_7478_7402;

/// Applies the pending migrations, all or none, and returns how many there were.
/// The database of a development build with the same tables is taken over.
///
/// Of two calls at once on one database, the second waits for the first and finds
/// nothing left to do.
///
/// # Errors
/// [`DbErr::Custom`] for a database of an older development build, and what the
/// database says; nothing was changed.
pub async fn up(db: &DatabaseConnection) -> Result<usize, DbErr> {
    let tx = exclusive(db).await?;
    Migrator::install(&tx).await?;
    adopt(&tx).await?;
    let pending = Migrator::get_pending_migrations(&tx).await?.len();
    Migrator::up(&tx, None).await?;
    tx.commit().await?;
    Ok(pending)
}

/// Reverts every migration, deleting all data, or none.
///
/// # Errors
/// What the database says; nothing was changed.
pub async fn down(db: &DatabaseConnection) -> Result<(), DbErr> {
    let tx = exclusive(db).await?;
    Migrator::install(&tx).await?;
    adopt(&tx).await?;
    Migrator::down(&tx, None).await?;
    tx.commit().await
}

/// How many of this program's migrations are pending. Those of a newer program are
/// not counted: they left the tables usable for both. Writes nothing.
///
/// # Errors
/// What the database says, also when no migration was ever applied.
pub async fn pending(db: &impl ConnectionTrait) -> Result<usize, DbErr> {
    let (applied, known) = (applied(db).await?, Migrator::migrations());
    Ok(known.iter().filter(|migration| !applied.iter().any(|name| name == migration.name())).count())
}

/// The name of each migration of this program, and whether it was applied. Writes
/// nothing.
///
/// # Errors
/// What the database says.
pub async fn status(db: &DatabaseConnection) -> Result<Vec<(String, bool)>, DbErr> {
    let applied = match SchemaManager::new(db).has_table("seaql_migrations").await? {
        true => applied(db).await?,
        false => Vec::new(),
    };
    let names = Migrator::migrations().into_iter().map(|migration| migration.name().to_owned());
    Ok(names.map(|name| (name.clone(), applied.contains(&name))).collect())
}

/// A transaction during which no other process migrates. On PostgreSQL an advisory
/// lock ensures this, because tables that do not exist yet can't be locked; it is
/// waited for without limit, while elsewhere connections give up on a lock or a
/// statement after some seconds, because a migration may take longer. On SQLite the
/// transaction is the only writer.
async fn exclusive(db: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    let immediate = Some(SqliteTransactionMode::Immediate);
    let options = TransactionOptions { sqlite_transaction_mode: immediate, ..TransactionOptions::default() };
    let tx = db.begin_with_options(options).await?;
    if tx.get_database_backend() == DbBackend::Postgres {
        tx.execute_unprepared("SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0").await?;
        tx.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({LAYOUT_LOCK})")).await?;
    }
    Ok(tx)
}
