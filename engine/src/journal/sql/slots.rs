//! Open slots: those that are due and nobody holds, and those whose holder is
//! gone. Each is asked of `runs` and of `items`; both have an index for it.

use std::cmp::Reverse;

use sea_orm::sea_query::{
    Alias, ColumnRef, Expr, ExprTrait, IntoColumnRef, JoinType, Order as Direction, Query, SelectStatement,
};
use sea_orm::{ConnectionTrait, DatabaseConnection, FromQueryResult};
use uuid::Uuid;

use super::codec::{decode, number};
use super::fault::Fault;
use super::item::Items;
use super::run::Runs;
use super::worker::Workers;
use crate::decide::{Claim, Scheduled};
use crate::id::{Delivery, RunId, Slot, WorkerName};
use crate::journal::{JournalError, Orphan};
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
    db: &DatabaseConnection,
    workflow: &str,
    until: Timestamp,
    limit: u32,
) -> Result<Vec<Scheduled>, Fault> {
    let of_runs = of_runs()
        .and_where(Expr::col((Runs::Table, Runs::Definition)).eq(workflow))
        .and_where(Expr::col((Runs::Table, Runs::DueAtMs)).is_not_null())
        .and_where(Expr::col((Runs::Table, Runs::DueAtMs)).lte(until.0))
        .order_by((Runs::Table, Runs::Priority), Direction::Desc)
        .order_by((Runs::Table, Runs::DueAtMs), Direction::Asc)
        .to_owned();
    let of_items = of_items()
        .and_where(Expr::col((Items::Table, Items::Definition)).eq(workflow))
        .and_where(Expr::col((Items::Table, Items::DueAtMs)).is_not_null())
        .and_where(Expr::col((Items::Table, Items::DueAtMs)).lte(until.0))
        .order_by((Items::Table, Items::Priority), Direction::Desc)
        .order_by((Items::Table, Items::DueAtMs), Direction::Asc)
        .to_owned();
    let mut due = Vec::new();
    for row in both(db, of_runs, of_items, limit).await? {
        due.push(row.scheduled()?);
    }
    due.sort_by_key(|scheduled| (Reverse(scheduled.priority), scheduled.due_at, scheduled.delivery.slot));
    due.truncate(limit as usize);
    Ok(due)
}

pub(super) async fn orphans(
    db: &DatabaseConnection,
    silent_since: Timestamp,
    limit: u32,
) -> Result<Vec<Orphan>, Fault> {
    let mut of_runs = of_runs();
    silent(&mut of_runs, (Runs::Table, Runs::HeldBy), silent_since);
    let mut of_items = of_items();
    silent(&mut of_items, (Items::Table, Items::HeldBy), silent_since);
    let mut orphans = Vec::new();
    for row in both(db, of_runs, of_items, limit).await? {
        orphans.push(row.orphan()?);
    }
    orphans.truncate(limit as usize);
    Ok(orphans)
}

pub(super) async fn held(db: &DatabaseConnection, worker: &WorkerName) -> Result<Vec<Claim>, Fault> {
    let mine = |mut select: SelectStatement, held_by: ColumnRef| {
        select.and_where(Expr::col(held_by).eq(worker.as_str())).to_owned()
    };
    let of_runs = mine(of_runs(), (Runs::Table, Runs::HeldBy).into_column_ref());
    let of_items = mine(of_items(), (Items::Table, Items::HeldBy).into_column_ref());
    let mut held = Vec::new();
    for row in both(db, of_runs, of_items, HELD_MAX).await? {
        held.push(row.orphan()?.claim);
    }
    Ok(held)
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
    db: &DatabaseConnection,
    of_runs: SelectStatement,
    of_items: SelectStatement,
    limit: u32,
) -> Result<Vec<SlotRow>, Fault> {
    let mut rows = Vec::new();
    for mut select in [of_runs, of_items] {
        for row in db.query_all(select.limit(limit.into())).await? {
            rows.push(SlotRow::from_query_result(&row, "")?);
        }
    }
    Ok(rows)
}
