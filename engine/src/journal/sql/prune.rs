//! Taking away what has been kept long enough, in transactions that stay short.

use sea_orm::sea_query::{Expr, ExprTrait, LockBehavior, LockType, Order as Direction, Query};
use sea_orm::{ConnectionTrait, DbBackend};
use uuid::Uuid;

use super::codec::number;
use super::commit_error::CommitError;
use super::dead_letter::DeadLetters;
use super::event::Events;
use super::item::Items;
use super::run::Runs;
use super::transaction::{TransactionEnd, begin, end};
use crate::id::RunId;
use crate::journal::JournalError;
use crate::journal::database::{Database, Transaction};
use crate::journal::letters::LetterStatus;
use crate::journal::retention::{EVENTS_MAX, LETTERS_MAX, Pruned, RUNS_MAX, Retention, before, fitting};
use crate::state::RunStatus;
use crate::time::Timestamp;

pub(super) async fn prune(
    db: &Database,
    retention: Retention,
    now: Timestamp,
) -> Result<Pruned, CommitError> {
    let tx = begin(db).await?;
    let pruned = prune_in(&tx, retention, now).await.map(|pruned| {
        let nothing = pruned.runs == 0 && pruned.dead_letters == 0;
        (pruned, if nothing { TransactionEnd::Nothing } else { TransactionEnd::Commit })
    });
    end(tx, pruned).await
}

async fn prune_in(tx: &Transaction, retention: Retention, now: Timestamp) -> Result<Pruned, CommitError> {
    let mut pruned = Pruned::default();
    if let Some(keep) = retention.dead_letters {
        pruned.dead_letters = dead_letters(tx, before(now, keep)).await?;
        pruned.more = pruned.dead_letters >= LETTERS_MAX;
    }
    if let Some(keep) = retention.histories {
        let (runs, more) = ended(tx, before(now, keep)).await?;
        histories(tx, &runs, now).await?;
        pruned.runs = runs.len() as u64;
        pruned.more |= more;
    }
    Ok(pruned)
}

fn terminal() -> impl Iterator<Item = &'static str> {
    RunStatus::ALL.into_iter().filter(|status| status.is_terminal()).map(RunStatus::as_str)
}

/// Takes letters of ended runs; how many.
async fn dead_letters(tx: &Transaction, older_than: Timestamp) -> Result<u64, CommitError> {
    let ended = Query::select()
        .expr(Expr::val(1))
        .from(Runs::Table)
        .and_where(Expr::col((Runs::Table, Runs::Id)).equals((DeadLetters::Table, DeadLetters::RunId)))
        .and_where(Expr::col((Runs::Table, Runs::Status)).is_in(terminal()))
        .to_owned();
    let old = Query::select()
        .column(DeadLetters::Id)
        .from(DeadLetters::Table)
        .and_where(Expr::col(DeadLetters::AtMs).lt(older_than.0))
        .and_where(Expr::exists(ended))
        .order_by(DeadLetters::AtMs, Direction::Asc)
        .limit(LETTERS_MAX)
        .to_owned();
    let delete = Query::delete()
        .from_table(DeadLetters::Table)
        .and_where(Expr::col(DeadLetters::Id).in_subquery(old))
        .to_owned();
    Ok(tx.execute(&delete).await?.rows_affected())
}

/// Holds the longest ended runs that have a history and no letter that waits;
/// whether there are more. Runs that somebody else holds are passed over: they
/// are being pruned or erased there, or go on after all.
async fn ended(tx: &Transaction, finished_before: Timestamp) -> Result<(Vec<Uuid>, bool), CommitError> {
    let waiting = Query::select()
        .expr(Expr::val(1))
        .from(DeadLetters::Table)
        .and_where(Expr::col((DeadLetters::Table, DeadLetters::RunId)).equals((Runs::Table, Runs::Id)))
        .and_where(Expr::col((DeadLetters::Table, DeadLetters::State)).eq(LetterStatus::Waiting.as_str()))
        .to_owned();
    let mut select = Query::select();
    select
        .columns([(Runs::Table, Runs::Id), (Runs::Table, Runs::Seq)])
        .from(Runs::Table)
        .and_where(Expr::col((Runs::Table, Runs::FinishedAtMs)).is_not_null())
        .and_where(Expr::col((Runs::Table, Runs::PrunedAtMs)).is_null())
        .and_where(Expr::col((Runs::Table, Runs::FinishedAtMs)).lt(finished_before.0))
        .and_where(Expr::col((Runs::Table, Runs::Status)).is_in(terminal()))
        .and_where(Expr::exists(waiting).not())
        .order_by((Runs::Table, Runs::FinishedAtMs), Direction::Asc)
        .limit(RUNS_MAX);
    if tx.get_database_backend() == DbBackend::Postgres {
        select.lock_with_tables_behavior(LockType::Update, [Runs::Table], LockBehavior::SkipLocked);
    }
    let (mut ids, mut events) = (Vec::new(), Vec::new());
    for row in tx.query_all(&select).await? {
        ids.push(row.try_get_by_index::<Uuid>(0)?);
        events.push(number("runs.seq", row.try_get_by_index::<i64>(1)?)?);
    }
    let more = ids.len() as u64 >= RUNS_MAX || events.iter().sum::<u64>() > EVENTS_MAX;
    ids.truncate(fitting(events.into_iter()));
    let more = more && !ids.is_empty();
    Ok((ids, more))
}

async fn histories(tx: &Transaction, runs: &[Uuid], now: Timestamp) -> Result<(), CommitError> {
    if runs.is_empty() {
        return Ok(());
    }
    let ids = || runs.iter().copied();
    let items =
        Query::delete().from_table(Items::Table).and_where(Expr::col(Items::RunId).is_in(ids())).to_owned();
    tx.execute(&items).await?;
    let events =
        Query::delete().from_table(Events::Table).and_where(Expr::col(Events::RunId).is_in(ids())).to_owned();
    tx.execute(&events).await?;
    let mark = Query::update()
        .table(Runs::Table)
        .value(Runs::PrunedAtMs, now.0)
        .and_where(Expr::col(Runs::Id).is_in(ids()))
        .to_owned();
    tx.execute(&mark).await?;
    Ok(())
}

/// Whether the run's history was pruned; asked where nothing was found.
///
/// # Errors
/// [`JournalError::Pruned`] if it was.
pub(super) async fn kept(db: &Database, run: RunId) -> Result<(), CommitError> {
    let select = Query::select()
        .column(Runs::PrunedAtMs)
        .from(Runs::Table)
        .and_where(Expr::col(Runs::Id).eq(run.0))
        .to_owned();
    let pruned: Option<i64> = match db.query_one(&select).await? {
        Some(row) => row.try_get_by_index(0)?,
        None => None,
    };
    match pruned {
        Some(_) => Err(JournalError::Pruned(run).into()),
        None => Ok(()),
    }
}
