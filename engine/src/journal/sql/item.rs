//! The table `items`: one row an item of a step that fans out.

use sea_orm::sea_query::{Condition, Expr, ExprTrait, Query, UpdateStatement, Value};
use sea_orm::{DeriveIden, FromQueryResult, QueryResult};
use uuid::Uuid;

use super::codec::{decode, encode, error_text, ms, number, stored};
use super::commit_error::CommitError;
use super::values::{ColumnValues, RowUpdate, update_from_values};
use crate::id::RunId;
use crate::journal::JournalError;
use crate::journal::transition::item_due_at;
use crate::state::{ItemState, ItemStatus, RunState};

#[derive(Clone, Copy, PartialEq, DeriveIden)]
pub(super) enum Items {
    Table,
    RunId,
    Step,
    Item,
    Definition,
    Priority,
    Status,
    Epoch,
    Attempts,
    Error,
    Output,
    DueAtMs,
    HeldBy,
}

/// Which item: of which run, at which step, which one.
pub(super) type Key = (RunId, u16, u32);

/// What an item's state is read from.
pub(super) const COLUMNS: [Items; 6] =
    [Items::RunId, Items::Step, Items::Item, Items::Status, Items::Attempts, Items::Error];

#[derive(FromQueryResult)]
pub(super) struct ItemRow {
    run_id: Uuid,
    step: i32,
    item: i64,
    status: String,
    attempts: String,
    error: Option<String>,
}

impl ItemRow {
    pub(super) fn state(self) -> Result<(RunId, ItemState), JournalError> {
        let status = ItemStatus::parse(&self.status)
            .ok_or_else(|| JournalError::Corrupt(format!("items.status is `{}`", self.status)))?;
        let state = ItemState {
            step: number("items.step", self.step)?,
            index: number("items.item", self.item)?,
            status,
            attempts: decode("items.attempts", &self.attempts)?,
            error: self.error.map(|error| decode("items.error", &error)).transpose()?,
        };
        Ok((RunId(self.run_id), state))
    }
}

/// Which item the row is about, whatever else can't be read of it.
pub(super) fn key(row: &QueryResult) -> Result<Key, CommitError> {
    let (step, item): (i32, i64) = (row.try_get("", "step")?, row.try_get("", "item")?);
    Ok((RunId(row.try_get("", "run_id")?), number("items.step", step)?, number("items.item", item)?))
}

/// Exactly these items. Written out, for SQLite takes no list of row values.
pub(super) fn among(keys: impl Iterator<Item = Key>) -> Condition {
    keys.fold(Condition::any(), |any, key| any.add(is(key)))
}

fn is((run, step, item): Key) -> Condition {
    Condition::all()
        .add(Expr::col(Items::RunId).eq(run.0))
        .add(Expr::col(Items::Step).eq(i32::from(step)))
        .add(Expr::col(Items::Item).eq(i64::from(item)))
}

fn changing(run: &RunState, item: &ItemState) -> Result<[(Items, Value); 6], JournalError> {
    let open = !run.status.is_terminal();
    let held_by = item.attempts.holder.as_ref().filter(|_| open).map(|worker| worker.as_str().to_owned());
    Ok([
        (Items::Status, item.status.as_str().into()),
        (Items::Epoch, stored(item.attempts.epoch).into()),
        (Items::Attempts, encode(&item.attempts)?.into()),
        (Items::Error, error_text(item.error.as_ref())?.into()),
        (Items::DueAtMs, ms(item_due_at(item).filter(|_| open))),
        (Items::HeldBy, held_by.into()),
    ])
}

/// An item that is to be written: what it is now, of which run.
pub(super) struct ToWrite<'a> {
    pub(super) run: &'a RunState,
    pub(super) item: &'a ItemState,
    /// What it returned, as JSON, if it is done by this.
    pub(super) output: Option<String>,
}

impl ToWrite<'_> {
    /// The whole row.
    pub(super) fn row(&self) -> Result<ColumnValues<Items>, JournalError> {
        let fixed: [(Items, Value); 6] = [
            (Items::RunId, self.run.id.0.into()),
            (Items::Step, i32::from(self.item.step).into()),
            (Items::Item, i64::from(self.item.index).into()),
            (Items::Definition, self.run.definition.clone().into()),
            (Items::Priority, i16::from(self.run.priority).into()),
            (Items::Output, self.output.clone().into()),
        ];
        Ok(fixed.into_iter().chain(changing(self.run, self.item)?).collect())
    }

    /// What finds the row as long as it is under `last_epoch`, and what changes.
    pub(super) fn change(&self, last_epoch: u64) -> Result<RowUpdate<Items>, JournalError> {
        let key = vec![
            (Items::RunId, self.run.id.0.into()),
            (Items::Step, i32::from(self.item.step).into()),
            (Items::Item, i64::from(self.item.index).into()),
            (Items::Epoch, stored(last_epoch).into()),
        ];
        let output = [(Items::Output, self.output.clone().into())];
        Ok((key, changing(self.run, self.item)?.into_iter().chain(output).collect()))
    }
}

/// Changed rows, of those that are still open: an open item has no output yet,
/// so that none is overwritten. `changes` is not empty.
pub(super) fn update(changes: Vec<RowUpdate<Items>>) -> UpdateStatement {
    let mut statement = update_from_values(Items::Table, changes, &[]);
    statement.and_where(Expr::col((Items::Table, Items::Status)).eq(ItemStatus::Pending.as_str()));
    statement
}

/// No item of `runs` is due or held any more.
pub(super) fn close(runs: &[RunId]) -> UpdateStatement {
    Query::update()
        .table(Items::Table)
        .value(Items::DueAtMs, None::<i64>)
        .value(Items::HeldBy, None::<String>)
        .and_where(Expr::col(Items::RunId).is_in(runs.iter().map(|run| run.0)))
        .and_where(Expr::col(Items::DueAtMs).is_not_null().or(Expr::col(Items::HeldBy).is_not_null()))
        .to_owned()
}
