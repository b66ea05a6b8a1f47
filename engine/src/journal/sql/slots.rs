//! Open slots: those that are due and nobody holds, and those whose holder is
//! gone. Each is asked of `runs` and of `items`; both have an index for it.

use sea_orm::sea_query::{
    Alias, ColumnRef, Condition, Expr, ExprTrait, IntoColumnRef, JoinType, Order as Direction, Query,
    SelectStatement,
};
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult, QueryResult};
use uuid::Uuid;

use super::codec::{decode, number};
use super::commit_error::CommitError;
use super::item::Items;
use super::run::Runs;
use super::worker::Workers;
use crate::decide::{Claim, Scheduled};
use crate::id::{Delivery, RunId, Slot, WorkerName};
use crate::journal::database::Database;
use crate::journal::{Found, JournalError, Orphan, Unreadable};
use crate::state::Attempts;
use crate::time::Timestamp;

/// Claims of one worker that are read; none has as many slots.
const HELD_MAX: u32 = 10_000;

#[derive(FromQueryResult)]
struct SlotRow {
    run_id: Uuid,
    step: i32,
    item: Option<i64>,
    attempts: String,
    priority: i16,
    tenant: String,
    due_at_ms: Option<i64>,
    held_by: Option<String>,
}

impl SlotRow {
    fn slot(&self) -> Result<Slot, JournalError> {
        let item = self.item.map(|item| number("items.item", item)).transpose()?;
        Ok(Slot { run: RunId(self.run_id), step: number("step", self.step)?, item })
    }

    fn attempts(&self) -> Result<Attempts, JournalError> {
        decode("attempts", &self.attempts)
    }

    fn scheduled(self) -> Result<Scheduled, JournalError> {
        let delivery = Delivery { slot: self.slot()?, attempt: self.attempts()?.made + 1 };
        let due_at = Timestamp(self.due_at_ms.unwrap_or_default());
        Ok(Scheduled { delivery, due_at, priority: number("priority", self.priority)?, tenant: self.tenant })
    }

    fn orphan(self) -> Result<Orphan, JournalError> {
        let claim = Claim { slot: self.slot()?, epoch: self.attempts()?.epoch };
        Ok(Orphan { claim, worker: WorkerName::from(self.held_by.unwrap_or_default()) })
    }
}

pub(super) async fn due(
    db: &Database,
    workflow: &str,
    until: Timestamp,
    after: Option<&Scheduled>,
    limit: u32,
) -> Result<Found<Scheduled>, CommitError> {
    let mut of_runs = of_runs();
    of_runs
        .and_where(Expr::col((Runs::Table, Runs::Definition)).eq(workflow))
        .and_where(Expr::col((Runs::Table, Runs::DueAtMs)).is_not_null())
        .and_where(Expr::col((Runs::Table, Runs::DueAtMs)).lte(until.0))
        .order_by((Runs::Table, Runs::Priority), Direction::Desc)
        .order_by((Runs::Table, Runs::DueAtMs), Direction::Asc)
        .order_by((Runs::Table, Runs::Id), Direction::Asc);
    let mut of_items = of_items();
    of_items
        .and_where(Expr::col((Items::Table, Items::Definition)).eq(workflow))
        .and_where(Expr::col((Items::Table, Items::DueAtMs)).is_not_null())
        .and_where(Expr::col((Items::Table, Items::DueAtMs)).lte(until.0))
        .order_by((Items::Table, Items::Priority), Direction::Desc)
        .order_by((Items::Table, Items::DueAtMs), Direction::Asc)
        .order_by((Items::Table, Items::RunId), Direction::Asc)
        .order_by((Items::Table, Items::Item), Direction::Asc);
    if let Some(after) = after {
        of_runs.cond_where(runs_after(after));
        of_items.cond_where(items_after(after));
    }
    let mut due = sift(both(db, of_runs, of_items, limit).await?, SlotRow::scheduled);
    due.rows.sort_by_key(Scheduled::rank);
    due.rows.truncate(limit as usize);
    Ok(due)
}

/// Runs whose own slot comes after `after` in the order of [`Scheduled::rank`].
/// What is due of a run is its own slot or its items, never both.
fn runs_after(after: &Scheduled) -> Condition {
    let at_once = Condition::all()
        .add(Expr::col((Runs::Table, Runs::DueAtMs)).eq(after.due_at.0))
        .add(Expr::col((Runs::Table, Runs::Id)).gt(after.delivery.slot.run.0));
    later((Runs::Table, Runs::Priority), (Runs::Table, Runs::DueAtMs), after, at_once)
}

fn items_after(after: &Scheduled) -> Condition {
    let Slot { run, item, .. } = after.delivery.slot;
    let of_run = Condition::all()
        .add(Expr::col((Items::Table, Items::RunId)).eq(run.0))
        .add(Expr::col((Items::Table, Items::Item)).gt(item.map_or(-1, i64::from)));
    let further = Condition::any().add(Expr::col((Items::Table, Items::RunId)).gt(run.0)).add(of_run);
    let at_once =
        Condition::all().add(Expr::col((Items::Table, Items::DueAtMs)).eq(after.due_at.0)).add(further);
    later((Items::Table, Items::Priority), (Items::Table, Items::DueAtMs), after, at_once)
}

fn later(
    priority: impl IntoColumnRef + Clone,
    due_at: impl IntoColumnRef,
    after: &Scheduled,
    at_once: Condition,
) -> Condition {
    let urgent = i16::from(after.priority);
    let same = Condition::all()
        .add(Expr::col(priority.clone()).eq(urgent))
        .add(Condition::any().add(Expr::col(due_at).gt(after.due_at.0)).add(at_once));
    Condition::any().add(Expr::col(priority).lt(urgent)).add(same)
}

pub(super) async fn orphans(
    db: &Database,
    silent_since: Timestamp,
    limit: u32,
) -> Result<Found<Orphan>, CommitError> {
    let mut of_runs = of_runs();
    silent(&mut of_runs, (Runs::Table, Runs::HeldBy), silent_since);
    let mut of_items = of_items();
    silent(&mut of_items, (Items::Table, Items::HeldBy), silent_since);
    let mut orphans = sift(both(db, of_runs, of_items, limit).await?, SlotRow::orphan);
    orphans.rows.truncate(limit as usize);
    Ok(orphans)
}

pub(super) async fn held(db: &Database, worker: &WorkerName) -> Result<Found<Claim>, CommitError> {
    let mine = |mut select: SelectStatement, held_by: ColumnRef| {
        select.and_where(Expr::col(held_by).eq(worker.as_str())).to_owned()
    };
    let of_runs = mine(of_runs(), (Runs::Table, Runs::HeldBy).into_column_ref());
    let of_items = mine(of_items(), (Items::Table, Items::HeldBy).into_column_ref());
    Ok(sift(both(db, of_runs, of_items, HELD_MAX).await?, |row| Ok(row.orphan()?.claim)))
}

/// Reads row by row: one that can't be read hides no other.
fn sift<T>(rows: Vec<QueryResult>, read: fn(SlotRow) -> Result<T, JournalError>) -> Found<T> {
    let mut found = Found::from(Vec::with_capacity(rows.len()));
    for row in rows {
        match SlotRow::from_query_result(&row, "").map_err(|error| corrupt(&error)).and_then(read) {
            Ok(value) => found.rows.push(value),
            Err(error) => found.unreadable.extend(unreadable(&row, &error)),
        }
    }
    found
}

fn corrupt(error: &DbErr) -> JournalError {
    JournalError::Corrupt(error.to_string())
}

/// Which slot can't be read: the run as a whole if it can't be told which of
/// its slots, nothing if it can't even be told which run.
fn unreadable(row: &QueryResult, error: &JournalError) -> Option<Unreadable> {
    let Ok(run) = row.try_get("", "run_id") else {
        tracing::error!(%error, "a journal row has no readable run id");
        return None;
    };
    let step = row.try_get::<i32>("", "step").ok().and_then(|step| u16::try_from(step).ok());
    let item = row.try_get::<Option<i64>>("", "item").ok().flatten();
    let item = item.and_then(|item| u32::try_from(item).ok());
    let slot =
        Slot { run: RunId(run), step: step.unwrap_or_default(), item: item.filter(|_| step.is_some()) };
    Some(Unreadable { slot, why: error.to_string() })
}

/// Only what a worker holds that is off the list or was silent since.
fn silent(select: &mut SelectStatement, held_by: impl IntoColumnRef + Clone, since: Timestamp) {
    let name = (Workers::Table, Workers::Name);
    let heartbeat = (Workers::Table, Workers::HeartbeatAtMs);
    select
        .join(JoinType::LeftJoin, Workers::Table, Expr::col(name).equals(held_by.clone()))
        .and_where(Expr::col(held_by).is_not_null())
        .and_where(Expr::col(name).is_null().or(Expr::col(heartbeat).lt(since.0)));
}

fn of_runs() -> SelectStatement {
    Query::select()
        .expr_as(Expr::col((Runs::Table, Runs::Id)), Alias::new("run_id"))
        .expr_as(Expr::cust("CAST(NULL AS bigint)"), Items::Item)
        .columns([
            (Runs::Table, Runs::Step),
            (Runs::Table, Runs::Attempts),
            (Runs::Table, Runs::Priority),
            (Runs::Table, Runs::Tenant),
            (Runs::Table, Runs::DueAtMs),
            (Runs::Table, Runs::HeldBy),
        ])
        .from(Runs::Table)
        .to_owned()
}

fn of_items() -> SelectStatement {
    Query::select()
        .columns([
            (Items::Table, Items::RunId),
            (Items::Table, Items::Step),
            (Items::Table, Items::Item),
            (Items::Table, Items::Attempts),
            (Items::Table, Items::Priority),
            (Items::Table, Items::DueAtMs),
            (Items::Table, Items::HeldBy),
        ])
        .column((Runs::Table, Runs::Tenant))
        .from(Items::Table)
        .inner_join(Runs::Table, Expr::col((Runs::Table, Runs::Id)).equals((Items::Table, Items::RunId)))
        .to_owned()
}

async fn both(
    db: &Database,
    of_runs: SelectStatement,
    of_items: SelectStatement,
    limit: u32,
) -> Result<Vec<QueryResult>, CommitError> {
    let mut rows = Vec::new();
    for mut select in [of_runs, of_items] {
        rows.extend(db.query_all(select.limit(limit.into())).await?);
    }
    Ok(rows)
}
