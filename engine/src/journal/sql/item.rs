//! The table `items`: one row an item of a step that fans out.

use sea_orm::sea_query::{Condition, Expr, ExprTrait, InsertStatement, Query, UpdateStatement, Value};
use sea_orm::{DeriveIden, FromQueryResult};
use uuid::Uuid;

use super::codec::{decode, encode, error_text, ms, number, stored};
use super::update::update_from_values;
use crate::id::RunId;
use crate::journal::JournalError;
use crate::journal::follow::item_due_at;
use crate::state::{ItemState, ItemStatus, RunState};

#[derive(Clone, Copy, DeriveIden)]
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
            .ok_or_else(|| JournalError::Corrupt(format!("status `{}` of an item", self.status)))?;
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

/// One row a new item; `items` is not empty.
pub(super) fn insert(
    items: &[(&RunState, &ItemState, Option<String>)],
) -> Result<InsertStatement, JournalError> {
    let mut statement = Query::insert();
    statement.into_table(Items::Table);
    for (run, item, output) in items {
        let fixed: [(Items, Value); 6] = [
            (Items::RunId, run.id.0.into()),
            (Items::Step, i32::from(item.step).into()),
            (Items::Item, i64::from(item.index).into()),
            (Items::Definition, run.definition.clone().into()),
            (Items::Priority, i16::from(run.priority).into()),
            (Items::Output, output.clone().into()),
        ];
        let row: Vec<(Items, Value)> = fixed.into_iter().chain(changing(run, item)?).collect();
        statement.columns(row.iter().map(|(column, _)| *column));
        statement.values_panic(row.into_iter().map(|(_, value)| value.into()));
    }
    Ok(statement)
}

/// The rows as the items are now, of those that are still open under the epoch
/// given with them; `items` is not empty. An open item has no output yet, so
/// that none is overwritten.
pub(super) fn update(
    items: &[(&RunState, &ItemState, Option<String>, u64)],
) -> Result<UpdateStatement, JournalError> {
    let mut rows = Vec::with_capacity(items.len());
    let mut columns = Vec::new();
    for (run, item, output, last_epoch) in items {
        let values: Vec<(Items, Value)> =
            changing(run, item)?.into_iter().chain([(Items::Output, output.clone().into())]).collect();
        columns = values.iter().map(|(column, _)| *column).collect();
        let key: [Value; 4] = [
            run.id.0.into(),
            i32::from(item.step).into(),
            i64::from(item.index).into(),
            stored(*last_epoch).into(),
        ];
        rows.push(key.into_iter().chain(values.into_iter().map(|(_, value)| value)).collect());
    }
    let key = [Items::RunId, Items::Step, Items::Item, Items::Epoch];
    let mut statement = update_from_values(Items::Table, key, columns, rows);
    statement.and_where(Expr::col((Items::Table, Items::Status)).eq(ItemStatus::Pending.as_str()));
    Ok(statement)
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
