//! How a transaction of the journal begins, ends, and writes foreign rows.

use sea_orm::ConnectionTrait;
use sea_orm::sea_query::UpdateStatement;

use super::commit_error::CommitError;
use crate::journal::database::{Database, Transaction};
use crate::rows::RowChange;

/// Key of the lock over event positions (a constant of this project).
///
/// PostgreSQL hands out numbers when rows are inserted, but rows show when their
/// transaction commits: whoever follows by position would miss a small number
/// that commits late. So whoever inserts events holds this lock to the commit,
/// across all processes. It is taken last, when every row lock is held already,
/// and each commit carries many requests, so what it costs is that commits of
/// events come one after another.
///
/// Rejected: bounding the reader by the oldest running transaction. Transaction
/// ids are given out at the first row lock, so one run's events could show in
/// the wrong order, and a restored database begins to count anew.
pub(super) const POSITIONS_LOCK: i64 = 0x756e_7478_7401;

/// Begins a transaction that may write.
pub(super) async fn begin(db: &Database) -> Result<Transaction, CommitError> {
    Ok(db.begin().await?)
}

/// Commits what was done in `tx` if its result says so, and takes it back
/// otherwise.
pub(super) async fn end<T>(
    tx: Transaction,
    result: Result<(T, TransactionEnd), CommitError>,
) -> Result<T, CommitError> {
    match result {
        Ok((value, TransactionEnd::Commit)) => {
            tx.commit().await?;
            Ok(value)
        }
        Ok((value, TransactionEnd::Nothing)) => {
            tx.rollback().await?;
            Ok(value)
        }
        Err(fault) => {
            // The fault says more than a failing rollback, which costs the
            // connection: SQLite, for one, has rolled back already when its disk
            // is full.
            drop(tx.rollback().await);
            Err(fault)
        }
    }
}

/// Whether there is anything to commit.
pub(super) enum TransactionEnd {
    Commit,
    Nothing,
}

/// Writes one of the product's rows; how many were changed.
pub(super) async fn execute_row(tx: &Transaction, row: &RowChange) -> Result<u64, CommitError> {
    let result = match row {
        RowChange::Insert(statement) => tx.execute(statement).await?,
        RowChange::Update(statement) => tx.execute(statement).await?,
        RowChange::Delete(statement) => tx.execute(statement).await?,
    };
    Ok(result.rows_affected())
}

/// Executes an update whose condition names the versions it was decided on. If it
/// changes fewer than `rows` rows, another writer was faster.
pub(super) async fn fenced(
    tx: &Transaction,
    update: &UpdateStatement,
    rows: usize,
) -> Result<(), CommitError> {
    match tx.execute(update).await?.rows_affected() {
        updated if updated == rows as u64 => Ok(()),
        _ => Err(CommitError::Contended("another writer changed the run first".to_owned())),
    }
}
