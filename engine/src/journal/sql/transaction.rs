//! How a transaction of the journal begins, ends, and writes foreign rows.

use futures_util::future::BoxFuture;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, SqliteTransactionMode, Statement,
    TransactionOptions, TransactionTrait,
};

use super::fault::Fault;
use crate::journal::rows::RowChange;

/// Key of the lock over event positions (a constant of this project).
const POSITIONS_LOCK: i64 = 0x756e_7478_7401;

/// Runs `work` in a transaction that may write, commits it if `work` says so,
/// and rolls it back otherwise.
///
/// On SQLite it is the only writer from its first statement on (BEGIN
/// IMMEDIATE): what it read can't have been changed by the time it writes.
pub(super) async fn writing<T: Send>(
    db: &DatabaseConnection,
    work: impl for<'a> FnOnce(&'a DatabaseTransaction) -> BoxFuture<'a, Result<(T, Ending), Fault>> + Send,
) -> Result<T, Fault> {
    let immediate = Some(SqliteTransactionMode::Immediate);
    let options = TransactionOptions { sqlite_transaction_mode: immediate, ..TransactionOptions::default() };
    let tx = db.begin_with_options(options).await?;
    match work(&tx).await {
        Ok((value, Ending::Commit)) => {
            tx.commit().await?;
            Ok(value)
        }
        Ok((value, Ending::Nothing)) => {
            tx.rollback().await?;
            Ok(value)
        }
        Err(fault) => {
            // The fault says more than a failing rollback; a connection that
            // can't even roll back is closed, and the server does it.
            drop(tx.rollback().await);
            Err(fault)
        }
    }
}

/// Whether there is anything to commit.
pub(super) enum Ending {
    Commit,
    Nothing,
}

/// Makes positions visible in their order. PostgreSQL hands out numbers when
/// rows are inserted, but rows show when their transaction commits: whoever
/// follows by position would miss a small number that commits late. So whoever
/// inserts events holds this lock to the commit, across all processes. It is
/// taken last, when every row lock is held already, and each commit carries many
/// requests, so what it costs is that commits of events come one after another.
///
/// Rejected: bounding the reader by the oldest running transaction. Transaction
/// ids are given out at the first row lock, so one run's events could show in
/// the wrong order, and a restored database begins to count anew.
pub(super) async fn hold_positions(tx: &DatabaseTransaction) -> Result<(), Fault> {
    if tx.get_database_backend() == DbBackend::Postgres {
        let sql = "SELECT pg_advisory_xact_lock($1)";
        let lock = Statement::from_sql_and_values(DbBackend::Postgres, sql, [POSITIONS_LOCK.into()]);
        tx.execute_raw(lock).await?;
    }
    Ok(())
}

/// Writes one of the product's rows.
pub(super) async fn execute_row(tx: &DatabaseTransaction, row: &RowChange) -> Result<(), Fault> {
    match row {
        RowChange::Insert(statement) => tx.execute(statement).await?,
        RowChange::Update(statement) => tx.execute(statement).await?,
        RowChange::Delete(statement) => tx.execute(statement).await?,
    };
    Ok(())
}
