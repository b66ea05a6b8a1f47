//! Rows as texts, column by column: how a row is read, and kept, that holds
//! what this program can't read as what it should be.

use std::collections::BTreeMap;

use sea_orm::sea_query::{Alias, Expr, ExprTrait, Iden, Query, SelectStatement};
use sea_orm::{ConnectionTrait, DbBackend, QueryResult};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::commit_error::CommitError;
use super::item::{Items, Key};
use super::run::{self, Runs};
use crate::event::OnItemFailure;
use crate::id::RunId;
use crate::journal::database::Transaction;
use crate::state::{Attempts, ItemCount, ItemState, ItemStatus, RunState, RunStatus};
use crate::time::Timestamp;

const ITEM_COLUMNS: [Items; 7] = [
    Items::Status,
    Items::Epoch,
    Items::Attempts,
    Items::Error,
    Items::Output,
    Items::DueAtMs,
    Items::HeldBy,
];

/// What a row holds, by the names of its columns; `None` is NULL.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Texts(BTreeMap<String, Option<String>>);

impl Texts {
    /// The run's row, held until the transaction ends.
    pub(super) async fn of_run(tx: &Transaction, run: RunId) -> Result<Option<Self>, CommitError> {
        let columns = run_columns();
        let mut select = texts(&columns);
        select.from(Runs::Table).and_where(Expr::col(Runs::Id).eq(run.0));
        if tx.get_database_backend() == DbBackend::Postgres {
            select.lock_exclusive();
        }
        Ok(tx.query_one(&select).await?.map(|row| Self::read(&row, &columns)))
    }

    /// The item's row.
    pub(super) async fn of_item(tx: &Transaction, key: Key) -> Result<Option<Self>, CommitError> {
        let (run, step, item) = key;
        let mut select = texts(&ITEM_COLUMNS);
        select
            .from(Items::Table)
            .and_where(Expr::col(Items::RunId).eq(run.0))
            .and_where(Expr::col(Items::Step).eq(i32::from(step)))
            .and_where(Expr::col(Items::Item).eq(i64::from(item)));
        Ok(tx.query_one(&select).await?.map(|row| Self::read(&row, &ITEM_COLUMNS)))
    }

    fn read<C: Iden>(row: &QueryResult, columns: &[C]) -> Self {
        let text = |column: &C| {
            let name = column.unquoted();
            let text = row.try_get("", name).unwrap_or_else(|error| Some(format!("no text: {error}")));
            (name.to_owned(), text)
        };
        Self(columns.iter().map(text).collect())
    }

    /// The run as far as it can be read, and the columns that can't be.
    pub(super) fn run(&self, id: RunId) -> (RunState, Vec<String>) {
        let mut reading = Reading { texts: self, unreadable: Vec::new() };
        let run = RunState {
            id,
            definition: reading.needed(&Runs::Definition, |text| Some(text.to_owned())),
            version: reading.needed(&Runs::Version, |text| text.parse().ok()),
            tenant: reading.needed(&Runs::Tenant, |text| Some(text.to_owned())),
            priority: reading.needed(&Runs::Priority, |text| text.parse().ok()),
            on_item_failure: reading.needed(&Runs::OnItemFailure, |text| match text {
                "fail" => Some(OnItemFailure::Fail),
                "partial" => Some(OnItemFailure::Partial),
                _ => None,
            }),
            input: reading.needed(&Runs::Input, json),
            // Whatever it was, it had not ended: no worker comes near what has.
            status: reading.needed(&Runs::Status, |text| Some(RunStatus::parse(text))).unwrap_or_else(|| {
                reading.unreadable.push(Runs::Status.unquoted().to_owned());
                RunStatus::Processing
            }),
            step: reading.needed(&Runs::Step, |text| text.parse().ok()),
            attempts: reading.needed::<Attempts, _>(&Runs::Attempts, json),
            items: ItemCount {
                total: reading.needed(&Runs::ItemsTotal, |text| text.parse().ok()),
                done: reading.needed(&Runs::ItemsDone, |text| text.parse().ok()),
                failed: reading.needed(&Runs::ItemsFailed, |text| text.parse().ok()),
            },
            outputs: reading.needed(&Runs::Outputs, json),
            error: reading.optional(&Runs::Error, json),
            seq: reading.needed(&Runs::Seq, |text| text.parse().ok()),
            created_at: Timestamp(reading.needed(&Runs::CreatedAtMs, |text| text.parse().ok())),
            started_at: reading.optional(&Runs::StartedAtMs, moment),
            finished_at: reading.optional(&Runs::FinishedAtMs, moment),
        };
        (run, reading.unreadable)
    }

    /// The item as far as it can be read, and the columns that can't be.
    pub(super) fn item(&self, step: u16, index: u32) -> (ItemState, Vec<String>) {
        let mut reading = Reading { texts: self, unreadable: Vec::new() };
        let status = reading.needed(&Items::Status, |text| Some(ItemStatus::parse(text)));
        if status.is_none() {
            reading.unreadable.push(Items::Status.unquoted().to_owned());
        }
        let item = ItemState {
            step,
            index,
            status: status.unwrap_or(ItemStatus::Pending),
            attempts: reading.needed::<Attempts, _>(&Items::Attempts, json),
            error: reading.optional(&Items::Error, json),
        };
        (item, reading.unreadable)
    }
}

struct Reading<'a> {
    texts: &'a Texts,
    unreadable: Vec<String>,
}

impl Reading<'_> {
    fn needed<T: Default, C: Iden>(&mut self, column: &C, parse: impl Fn(&str) -> Option<T>) -> T {
        let text = self.texts.0.get(column.unquoted()).and_then(Option::as_deref);
        text.and_then(parse).unwrap_or_else(|| {
            self.unreadable.push(column.unquoted().to_owned());
            T::default()
        })
    }

    fn optional<T, C: Iden>(&mut self, column: &C, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        let text = self.texts.0.get(column.unquoted()).and_then(Option::as_deref)?;
        let value = parse(text);
        if value.is_none() {
            self.unreadable.push(column.unquoted().to_owned());
        }
        value
    }
}

fn json<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_str(text).ok()
}

fn moment(text: &str) -> Option<Timestamp> {
    text.parse().ok().map(Timestamp)
}

/// What a run's state is read from, but for its id, and what follows from it.
fn run_columns() -> Vec<Runs> {
    let state = run::COLUMNS.into_iter().filter(|column| !matches!(column, Runs::Id));
    state.chain([Runs::DueAtMs, Runs::HeldBy]).collect()
}

fn texts<C: Iden>(columns: &[C]) -> SelectStatement {
    let mut select = Query::select();
    for name in columns.iter().map(Iden::unquoted) {
        select.expr_as(Expr::cust(format!("CAST({name} AS text)")), Alias::new(name));
    }
    select
}
