//! Erasing an ended run with all that it left behind.

use sea_orm::sea_query::{Expr, ExprTrait, IntoColumnRef, IntoTableRef, Query};
use sea_orm::{ConnectionTrait, DbBackend};

use super::commit_error::CommitError;
use super::dead_letter::DeadLetters;
use super::event::Events;
use super::item::Items;
use super::run::Runs;
use super::transaction::{TransactionEnd, begin, end, execute_row};
use crate::decide::Refusal;
use crate::id::RunId;
use crate::journal::JournalError;
use crate::journal::database::{Database, Transaction};
use crate::rows::RowChange;
use crate::state::RunStatus;

pub(super) async fn erase(db: &Database, run: RunId, rows: Vec<RowChange>) -> Result<(), CommitError> {
    let tx = begin(db).await?;
    let erased = erase_in(&tx, run, &rows).await.map(|()| ((), TransactionEnd::Commit));
    end(tx, erased).await
}

async fn erase_in(tx: &Transaction, run: RunId, rows: &[RowChange]) -> Result<(), CommitError> {
    ended(tx, run).await?;
    for row in rows {
        execute_row(tx, row).await?;
    }
    delete(tx, DeadLetters::Table, DeadLetters::RunId, run).await?;
    delete(tx, Items::Table, Items::RunId, run).await?;
    delete(tx, Events::Table, Events::RunId, run).await?;
    delete(tx, Runs::Table, Runs::Id, run).await
}

/// Holds the run, if it has ended.
async fn ended(tx: &Transaction, run: RunId) -> Result<(), CommitError> {
    let mut select = Query::select();
    select.column(Runs::Status).from(Runs::Table).and_where(Expr::col(Runs::Id).eq(run.0));
    if tx.get_database_backend() == DbBackend::Postgres {
        select.lock_exclusive();
    }
    let Some(row) = tx.query_one(&select).await? else { return Err(JournalError::UnknownRun(run).into()) };
    let status: String = row.try_get_by_index(0)?;
    match RunStatus::parse(&status).is_some_and(RunStatus::is_terminal) {
        true => Ok(()),
        false => Err(JournalError::from(Refusal::Stale).into()),
    }
}

async fn delete(
    tx: &Transaction,
    table: impl IntoTableRef,
    column: impl IntoColumnRef,
    run: RunId,
) -> Result<(), CommitError> {
    let statement = Query::delete().from_table(table).and_where(Expr::col(column).eq(run.0)).to_owned();
    tx.execute(&statement).await?;
    Ok(())
}
