//! What is asked of several runs at once, in one statement.

use sea_orm::sea_query::{Expr, ExprTrait, Order as Direction, Query, SelectStatement};
use sea_orm::{ConnectionTrait, FromQueryResult};

use super::codec::{number, stored};
use super::commit_error::CommitError;
use super::event::{self, EventRow, Events};
use super::run::Runs;
use crate::id::RunId;
use crate::journal::Histories;
use crate::journal::database::Database;
use crate::state::ItemCount;

pub(super) async fn histories(
    db: &Database,
    runs: &[RunId],
    after: Option<(RunId, u64)>,
    limit: u32,
) -> Result<Histories, CommitError> {
    let mut found = Histories::default();
    let (mut rows, mut last) = (0, None);
    for row in db.query_all(&select(runs, after, limit)).await? {
        let row = EventRow::from_query_result(&row, "")?;
        rows += 1;
        last = Some(row.place()?);
        match row.events() {
            Ok(events) => found.events.extend(events),
            Err(error) => found.unreadable.push((row.run(), error.to_string())),
        }
    }
    // A row holds at least one event.
    found.next = last.filter(|_| rows >= limit);
    if let Some((run, seq)) = after {
        found.events.retain(|event| event.run != run || event.seq > seq);
    }
    Ok(found)
}

pub(super) async fn item_counts(
    db: &Database,
    runs: &[RunId],
) -> Result<Vec<(RunId, ItemCount)>, CommitError> {
    if runs.is_empty() {
        return Ok(Vec::new());
    }
    let select = Query::select()
        .columns([Runs::Id, Runs::ItemsTotal, Runs::ItemsDone, Runs::ItemsFailed])
        .from(Runs::Table)
        .and_where(Expr::col(Runs::Id).is_in(runs.iter().map(|run| run.0)))
        .to_owned();
    let mut counts = Vec::with_capacity(runs.len());
    for row in db.query_all(&select).await? {
        let count = ItemCount {
            total: number("runs.items_total", row.try_get_by_index::<i64>(1)?)?,
            done: number("runs.items_done", row.try_get_by_index::<i64>(2)?)?,
            failed: number("runs.items_failed", row.try_get_by_index::<i64>(3)?)?,
        };
        counts.push((RunId(row.try_get_by_index(0)?), count));
    }
    Ok(counts)
}

/// At most `limit` rows.
fn select(runs: &[RunId], after: Option<(RunId, u64)>, limit: u32) -> SelectStatement {
    let left = runs.iter().filter(|run| after.is_none_or(|(from, _)| **run >= from)).map(|run| run.0);
    let mut select = Query::select();
    select
        .columns(event::COLUMNS)
        .from(Events::Table)
        .and_where(Expr::col(Events::RunId).is_in(left))
        .order_by(Events::RunId, Direction::Asc)
        .order_by(Events::Seq, Direction::Asc)
        .limit(limit.into());
    if let Some((run, seq)) = after {
        let place = Expr::tuple([Expr::col(Events::RunId), Expr::col(Events::Seq)]);
        select.and_where(place.gt(Expr::tuple([Expr::val(run.0), Expr::val(stored(seq))])));
    }
    select
}
