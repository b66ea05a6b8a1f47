//! Setting aside what can't be read: the row as it was goes into a dead letter,
//! and what takes its place can be read, so that nothing stumbles over it again.
//! A redrive reads what was set aside once more: a newer program may be able to.

use sea_orm::ConnectionTrait;
use sea_orm::sea_query::{Expr, ExprTrait, Func, Order as Direction, Query};
use serde::{Deserialize, Serialize};

use super::codec::{decode, encode, number};
use super::commit_error::CommitError;
use super::dead_letter::DeadLetters;
use super::event::Events;
use super::item::{self, Items};
use super::run::{self, Runs};
use super::texts::Texts;
use crate::id::{RunId, Slot};
use crate::journal::JournalError;
use crate::journal::database::Transaction;
use crate::journal::letters::LetterStatus;
use crate::retry::DeadReason;
use crate::state::{Attempts, ItemState, RunState};

/// A row as a dead letter keeps it. A stored format, which only grows.
#[derive(Serialize, Deserialize)]
struct Raw {
    table: String,
    row: Texts,
}

/// What is set aside, as far as it can be read; its row holds no more now.
pub(super) struct Aside {
    pub(super) run: RunState,
    pub(super) item: Option<ItemState>,
    /// The row as it was, as JSON.
    pub(super) raw: String,
}

/// Holds the run, and makes the slot's row one that can be read. `None` if
/// there is no such row.
///
/// # Errors
/// [`JournalError::Corrupt`] for an item whose run can't be read: it is the run
/// that has to be set aside then.
pub(super) async fn load(tx: &Transaction, slot: Slot) -> Result<Option<Aside>, CommitError> {
    let Some(row) = Texts::of_run(tx, slot.run).await? else { return Ok(None) };
    let (mut run, unreadable) = row.run(slot.run);
    let Some(index) = slot.item else {
        if unreadable.iter().any(|column| column == "seq") {
            run.seq = last_seq(tx, run.id).await?;
        }
        write_run(tx, &run).await?;
        let raw = encode(&Raw { table: "runs".to_owned(), row })?;
        return Ok(Some(Aside { run, item: None, raw }));
    };
    if !unreadable.is_empty() {
        return Err(JournalError::Corrupt(format!("run {}: {}", run.id, unreadable.join(", "))).into());
    }
    let Some(row) = Texts::of_item(tx, (run.id, slot.step, index)).await? else { return Ok(None) };
    let (item, _) = row.item(slot.step, index);
    write_item(tx, &run, &item).await?;
    let raw = encode(&Raw { table: "items".to_owned(), row })?;
    Ok(Some(Aside { run, item: Some(item), raw }))
}

async fn last_seq(tx: &Transaction, run: RunId) -> Result<u64, CommitError> {
    let select = Query::select()
        .expr(Func::max(Expr::col(Events::Seq)))
        .from(Events::Table)
        .and_where(Expr::col(Events::RunId).eq(run.0))
        .to_owned();
    let Some(row) = tx.query_one(&select).await? else { return Ok(0) };
    Ok(number("events.seq", row.try_get_by_index::<Option<i64>>(0)?.unwrap_or_default())?)
}

async fn write_run(tx: &Transaction, state: &RunState) -> Result<(), CommitError> {
    let row = run::ToWrite { run: state, due_at: None, outputs: true }.row()?;
    let mut update = Query::update();
    update.table(Runs::Table).and_where(Expr::col(Runs::Id).eq(state.id.0));
    for (column, value) in row.into_iter().filter(|(column, _)| *column != Runs::Id) {
        update.value(column, value);
    }
    tx.execute(&update).await?;
    Ok(())
}

async fn write_item(tx: &Transaction, run: &RunState, state: &ItemState) -> Result<(), CommitError> {
    let key = [Items::RunId, Items::Step, Items::Item];
    let row = item::ToWrite { run, item: state, output: None }.row()?;
    let mut update = Query::update();
    update.table(Items::Table).cond_where(item::among(std::iter::once((run.id, state.step, state.index))));
    for (column, value) in row.into_iter().filter(|(column, _)| !key.contains(column)) {
        update.value(column, value);
    }
    tx.execute(&update).await?;
    Ok(())
}

/// What is known of a run that was set aside and is to go on.
pub(super) enum Restored {
    /// It was not set aside.
    Never,
    /// It can be read now, and its row is what it was.
    Readable(Box<RunState>),
    /// It still can't be read.
    Unreadable,
}

/// Reads a run that was set aside, and has failed by it, once more. The run is
/// held already.
pub(super) async fn restore(tx: &Transaction, failed: &RunState) -> Result<Restored, CommitError> {
    let select = Query::select()
        .column(DeadLetters::Raw)
        .from(DeadLetters::Table)
        .and_where(Expr::col(DeadLetters::RunId).eq(failed.id.0))
        .and_where(Expr::col(DeadLetters::Item).is_null())
        .and_where(Expr::col(DeadLetters::Reason).eq(encode(&DeadReason::Unreadable)?))
        .and_where(Expr::col(DeadLetters::State).ne(LetterStatus::Redriven.as_str()))
        .order_by(DeadLetters::AtMs, Direction::Desc)
        .limit(1)
        .to_owned();
    let Some(row) = tx.query_one(&select).await? else { return Ok(Restored::Never) };
    let raw: Option<String> = row.try_get_by_index(0)?;
    let raw: Option<Raw> = raw.and_then(|raw| decode("dead_letters.raw", &raw).ok());
    let Some(raw) = raw.filter(|raw| raw.table == "runs") else { return Ok(Restored::Unreadable) };
    let (run, unreadable) = raw.row.run(failed.id);
    if !unreadable.is_empty() {
        return Ok(Restored::Unreadable);
    }
    // How it ended is known better by now.
    let run = RunState {
        status: failed.status,
        error: failed.error.clone(),
        seq: failed.seq,
        finished_at: failed.finished_at,
        attempts: Attempts { holder: None, paused: 0, ..run.attempts },
        ..run
    };
    write_run(tx, &run).await?;
    Ok(Restored::Readable(Box::new(run)))
}
