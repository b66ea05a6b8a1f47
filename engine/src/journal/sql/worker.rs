//! The table `workers`: who is at work, and when each was last heard of.

use sea_orm::sea_query::{Expr, ExprTrait, OnConflict, Query};
use sea_orm::{ConnectionTrait, DeriveIden, FromQueryResult};

use super::fault::Fault;
use crate::id::WorkerName;
use crate::journal::WorkerRow;
use crate::journal::database::Database;
use crate::time::Timestamp;

#[derive(Clone, Copy, DeriveIden)]
pub(super) enum Workers {
    Table,
    Name,
    StartedAtMs,
    HeartbeatAtMs,
}

#[derive(FromQueryResult)]
struct Row {
    name: String,
    started_at_ms: i64,
    heartbeat_at_ms: i64,
}

pub(super) async fn heartbeat(db: &Database, worker: &WorkerName, now: Timestamp) -> Result<(), Fault> {
    let statement = Query::insert()
        .into_table(Workers::Table)
        .columns([Workers::Name, Workers::StartedAtMs, Workers::HeartbeatAtMs])
        .values_panic([worker.as_str().into(), now.0.into(), now.0.into()])
        .on_conflict(OnConflict::column(Workers::Name).update_column(Workers::HeartbeatAtMs).to_owned())
        .to_owned();
    db.execute(&statement).await?;
    Ok(())
}

pub(super) async fn retire(db: &Database, workers: &[WorkerName]) -> Result<(), Fault> {
    let names = workers.iter().map(WorkerName::as_str);
    let statement = Query::delete()
        .from_table(Workers::Table)
        .and_where(Expr::col(Workers::Name).is_in(names))
        .to_owned();
    db.execute(&statement).await?;
    Ok(())
}

pub(super) async fn all(db: &Database) -> Result<Vec<WorkerRow>, Fault> {
    let statement = Query::select()
        .columns([Workers::Name, Workers::StartedAtMs, Workers::HeartbeatAtMs])
        .from(Workers::Table)
        .order_by(Workers::Name, sea_orm::Order::Asc)
        .to_owned();
    let rows = db.query_all(&statement).await?;
    let row = |row: &sea_orm::QueryResult| {
        let row = Row::from_query_result(row, "")?;
        Ok(WorkerRow {
            name: WorkerName::from(row.name),
            started_at: Timestamp(row.started_at_ms),
            heartbeat_at: Timestamp(row.heartbeat_at_ms),
        })
    };
    rows.iter().map(row).collect()
}
