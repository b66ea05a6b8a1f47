//! What is read as it stands, without holding anything.

use sea_orm::sea_query::{Expr, ExprTrait, Func, Order as Direction, Query, SelectStatement};
use sea_orm::{ConnectionTrait, FromQueryResult, QueryResult};

use super::codec::{decode, number, stored};
use super::commit_error::CommitError;
use super::event::{EventRow, Events};
use super::item::{ItemRow, Items};
use super::run::{RunRow, Runs};
use super::{event, item, run};
use crate::event::Event;
use crate::id::RunId;
use crate::journal::database::Database;
use crate::journal::{JournalError, RunFilter, Tail};
use crate::state::{ItemOutput, ItemSummary, RunState, RunStatus};

/// Ids in one statement, within SQLite's 32,766 parameters.
const IDS_MAX: usize = 10_000;

pub(super) async fn run(db: &Database, id: RunId) -> Result<Option<RunState>, CommitError> {
    let select = Query::select()
        .columns(run::COLUMNS)
        .from(Runs::Table)
        .and_where(Expr::col(Runs::Id).eq(id.0))
        .to_owned();
    let row = db.query_one(&select).await?;
    row.map(|row| Ok(RunRow::from_query_result(&row, "")?.state()?)).transpose()
}

pub(super) async fn runs(
    db: &Database,
    filter: &RunFilter,
    limit: u32,
    offset: u64,
) -> Result<(Vec<RunState>, u64), CommitError> {
    let mut count = Query::select();
    count.expr(Func::count(Expr::col(Runs::Id))).from(Runs::Table);
    let mut select = Query::select();
    select
        .columns(run::COLUMNS)
        .from(Runs::Table)
        .order_by(Runs::CreatedAtMs, Direction::Desc)
        .order_by(Runs::Id, Direction::Desc)
        .limit(limit.into())
        .offset(stored(offset).unsigned_abs());
    for statement in [&mut count, &mut select] {
        filtered(statement, filter);
    }
    let total = match db.query_one(&count).await? {
        Some(row) => number("count of runs", row.try_get_by_index::<i64>(0)?)?,
        None => 0,
    };
    let rows = db.query_all(&select).await?;
    // One that can't be read is set aside when a worker comes to it; it is counted.
    let read = |row: &QueryResult| RunRow::from_query_result(row, "").ok()?.state().ok();
    Ok((rows.iter().filter_map(read).collect(), total))
}

fn filtered(statement: &mut SelectStatement, filter: &RunFilter) {
    if let Some(tenant) = &filter.tenant {
        statement.and_where(Expr::col(Runs::Tenant).eq(tenant.as_str()));
    }
    if !filter.statuses.is_empty() {
        let words = filter.statuses.iter().map(|status| status.as_str());
        statement.and_where(Expr::col(Runs::Status).is_in(words));
    }
}

/// The item rows of a run's step from `from` on, in order; the caller names the columns.
fn item_rows(run: RunId, step: u16, from: u32, limit: u32) -> SelectStatement {
    Query::select()
        .from(Items::Table)
        .and_where(Expr::col(Items::RunId).eq(run.0))
        .and_where(Expr::col(Items::Step).eq(i32::from(step)))
        .and_where(Expr::col(Items::Item).gte(i64::from(from)))
        .order_by(Items::Item, Direction::Asc)
        .limit(limit.into())
        .to_owned()
}

/// Both databases know the length of a text without reading it.
pub(super) async fn item_summaries(
    db: &Database,
    run: RunId,
    step: u16,
    from: u32,
    limit: u32,
) -> Result<Vec<ItemSummary>, CommitError> {
    let bytes = Func::cust("octet_length").arg(Expr::col(Items::Output));
    let select =
        item_rows(run, step, from, limit).columns(item::COLUMNS).expr_as(bytes, "output_bytes").to_owned();
    let rows = db.query_all(&select).await?;
    rows.iter()
        .map(|row| {
            let (_, state) = ItemRow::from_query_result(row, "")?.state()?;
            // An `integer` of PostgreSQL, which SQLite reads as well.
            let bytes: Option<i32> = row.try_get("", "output_bytes")?;
            Ok(ItemSummary { state, output_bytes: bytes.unwrap_or_default().unsigned_abs().into() })
        })
        .collect()
}

pub(super) async fn item_outputs(
    db: &Database,
    run: RunId,
    step: u16,
    from: u32,
    limit: u32,
) -> Result<Vec<(u32, String)>, CommitError> {
    let select = item_rows(run, step, from, limit)
        .columns([Items::Item, Items::Output])
        .and_where(Expr::col(Items::Item).lt(i64::from(from) + i64::from(limit)))
        .and_where(Expr::col(Items::Output).is_not_null())
        .to_owned();
    let rows = db.query_all(&select).await?;
    let output = |row: &QueryResult| {
        Ok((number("items.item", row.try_get_by_index::<i64>(0)?)?, row.try_get_by_index(1)?))
    };
    rows.iter().map(output).collect()
}

pub(super) async fn items(
    db: &Database,
    run: RunId,
    step: u16,
    from: u32,
    limit: u32,
) -> Result<Vec<ItemOutput>, CommitError> {
    let select = item_rows(run, step, from, limit).columns(item::COLUMNS).column(Items::Output).to_owned();
    let rows = db.query_all(&select).await?;
    rows.iter()
        .map(|row| {
            let (_, state) = ItemRow::from_query_result(row, "")?.state()?;
            let output: Option<String> = row.try_get("", "output")?;
            let output = output.map(|text| decode("items.output", &text)).transpose()?.unwrap_or_default();
            Ok(ItemOutput { state, output })
        })
        .collect()
}

pub(super) async fn history(
    db: &Database,
    run: RunId,
    after_seq: u64,
    limit: u32,
) -> Result<Vec<Event>, CommitError> {
    let select = Query::select()
        .columns(event::COLUMNS)
        .from(Events::Table)
        .and_where(Expr::col(Events::RunId).eq(run.0))
        .and_where(Expr::col(Events::Seq).gt(stored(after_seq)))
        .order_by(Events::Seq, Direction::Asc)
        .limit(limit.into())
        .to_owned();
    let read = events(db, &select).await?;
    if let Some((run, why)) = read.unreadable.into_iter().next() {
        return Err(JournalError::Corrupt(format!("an event of run {run}: {why}")).into());
    }
    let mut found = read.events;
    // The first row may begin before what is wanted, the last end after it.
    found.retain(|event| event.seq > after_seq);
    found.truncate(limit as usize);
    Ok(found)
}

pub(super) async fn tail(db: &Database, cursor: Option<u64>, limit: u32) -> Result<Tail, CommitError> {
    let Some(cursor) = cursor else { return present_end(db).await };
    let select = Query::select()
        .columns(event::COLUMNS)
        .from(Events::Table)
        .and_where(Expr::col(Events::Position).gt(stored(cursor)))
        .order_by(Events::Position, Direction::Asc)
        .limit(limit.into())
        .to_owned();
    let tail = events(db, &select).await?;
    Ok(Tail { cursor: Ord::max(cursor, tail.cursor), ..tail })
}

async fn present_end(db: &Database) -> Result<Tail, CommitError> {
    let select = Query::select().expr(Expr::col(Events::Position).max()).from(Events::Table).to_owned();
    let last: Option<i64> = match db.query_one(&select).await? {
        Some(row) => row.try_get_by_index(0)?,
        None => None,
    };
    Ok(Tail { cursor: number("events.position", last.unwrap_or(0))?, ..Tail::default() })
}

async fn events(db: &Database, select: &SelectStatement) -> Result<Tail, CommitError> {
    let mut tail = Tail::default();
    for row in db.query_all(select).await? {
        let row = EventRow::from_query_result(&row, "")?;
        tail.cursor = number("events.position", row.position)?;
        match row.events() {
            Ok(events) => tail.events.extend(events),
            Err(error) => tail.unreadable.push((row.run(), error.to_string())),
        }
    }
    Ok(tail)
}

pub(super) async fn last_seqs(db: &Database, runs: &[RunId]) -> Result<Vec<(RunId, u64)>, CommitError> {
    let mut seqs = Vec::with_capacity(runs.len());
    for ids in runs.chunks(IDS_MAX) {
        let select = Query::select()
            .columns([Runs::Id, Runs::Seq])
            .from(Runs::Table)
            .and_where(Expr::col(Runs::Id).is_in(ids.iter().map(|id| id.0)))
            .to_owned();
        for row in db.query_all(&select).await? {
            let seq = number("runs.seq", row.try_get_by_index::<i64>(1)?)?;
            seqs.push((RunId(row.try_get_by_index(0)?), seq));
        }
    }
    Ok(seqs)
}

pub(super) async fn ended(db: &Database, runs: &[RunId]) -> Result<Vec<RunId>, CommitError> {
    let mut open = std::collections::BTreeSet::new();
    let terminal = RunStatus::ALL.into_iter().filter(|status| status.is_terminal());
    let words: Vec<&str> = terminal.map(RunStatus::as_str).collect();
    for ids in runs.chunks(IDS_MAX) {
        let select = Query::select()
            .column(Runs::Id)
            .from(Runs::Table)
            .and_where(Expr::col(Runs::Id).is_in(ids.iter().map(|id| id.0)))
            .and_where(Expr::col(Runs::Status).is_not_in(words.iter().copied()))
            .to_owned();
        for row in db.query_all(&select).await? {
            open.insert(RunId(row.try_get_by_index(0)?));
        }
    }
    Ok(runs.iter().filter(|run| !open.contains(run)).copied().collect())
}
