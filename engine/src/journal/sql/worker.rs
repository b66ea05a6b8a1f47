//! The table `workers`: who is at work, and when each was last heard of.

use sea_orm::sea_query::{Expr, ExprTrait, OnConflict, Query, UpdateStatement};
use sea_orm::{ConnectionTrait, DeriveIden, FromQueryResult, QueryResult};

use super::commit_error::CommitError;
use crate::id::WorkerName;
use crate::journal::WorkerInfo;
use crate::journal::database::Database;
use crate::time::Timestamp;

#[derive(Clone, Copy, DeriveIden)]
pub(super) enum Workers {
    Table,
    Name,
    StartedAtMs,
    HeartbeatAtMs,
    Draining,
}

#[derive(FromQueryResult)]
struct StoredWorker {
    name: String,
    started_at_ms: i64,
    heartbeat_at_ms: i64,
    draining: bool,
}

pub(super) async fn heartbeat(
    db: &Database,
    worker: &WorkerName,
    now: Timestamp,
) -> Result<bool, CommitError> {
    let statement = Query::insert()
        .into_table(Workers::Table)
        .columns([Workers::Name, Workers::StartedAtMs, Workers::HeartbeatAtMs])
        .values_panic([worker.as_str().into(), now.0.into(), now.0.into()])
        .on_conflict(OnConflict::column(Workers::Name).update_column(Workers::HeartbeatAtMs).to_owned())
        .returning_col(Workers::Draining)
        .to_owned();
    let row = db.query_one(&statement).await?;
    Ok(row.map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or_default())
}

/// The statement that says whether the worker is to start nothing new.
pub(super) fn drain(worker: &WorkerName, draining: bool) -> UpdateStatement {
    Query::update()
        .table(Workers::Table)
        .value(Workers::Draining, draining)
        .and_where(Expr::col(Workers::Name).eq(worker.as_str()))
        .to_owned()
}

pub(super) async fn retire(db: &Database, workers: &[WorkerName]) -> Result<(), CommitError> {
    let names = workers.iter().map(WorkerName::as_str);
    let statement = Query::delete()
        .from_table(Workers::Table)
        .and_where(Expr::col(Workers::Name).is_in(names))
        .to_owned();
    db.execute(&statement).await?;
    Ok(())
}

pub(super) async fn all(db: &Database) -> Result<Vec<WorkerInfo>, CommitError> {
    let statement = Query::select()
        .columns([Workers::Name, Workers::StartedAtMs, Workers::HeartbeatAtMs, Workers::Draining])
        .from(Workers::Table)
        .order_by(Workers::Name, sea_orm::Order::Asc)
        .to_owned();
    let rows = db.query_all(&statement).await?;
    Ok(rows.iter().filter_map(row).collect())
}

/// A row, whatever it holds: one that can't be read hides no other. `None` if not
/// even its name can be.
fn row(row: &QueryResult) -> Option<WorkerInfo> {
    let problem = match StoredWorker::from_query_result(row, "") {
        Ok(row) => {
            let (started_at, heartbeat_at) = (Timestamp(row.started_at_ms), Timestamp(row.heartbeat_at_ms));
            let (draining, name) = (row.draining, WorkerName::from(row.name));
            return Some(WorkerInfo { name, started_at, heartbeat_at, draining, unreadable: false });
        }
        Err(problem) => problem,
    };
    let name: Option<String> = row.try_get("", "name").ok();
    tracing::warn!(worker = name.as_deref(), %problem, "can't read a row of table `workers`");
    let (started_at, heartbeat_at) = (Timestamp(0), Timestamp(0));
    name.map(|name| WorkerInfo {
        name: name.into(),
        started_at,
        heartbeat_at,
        draining: false,
        unreadable: true,
    })
}

#[cfg(test)]
mod tests {
    use untxt_migrations::Migrator;
    use untxt_migrations::sea_orm_migration::MigratorTrait;

    use super::*;
    use crate::journal::database::connect;

    #[tokio::test]
    async fn a_row_that_cant_be_read_is_named_and_hides_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let db = connect(&format!("sqlite://{}/untxt.db", dir.path().display())).await.unwrap();
        Migrator::up(&db.for_layout(), None).await.unwrap();
        for name in ["one", "other", "third"] {
            heartbeat(&db, &WorkerName::from(name.to_owned()), Timestamp(7)).await.unwrap();
        }
        db.execute_unprepared("UPDATE workers SET heartbeat_at_ms = 'soon' WHERE name = 'other'")
            .await
            .unwrap();
        let rows = all(&db).await.unwrap();
        let seen: Vec<_> = rows.iter().map(|row| (row.name.as_str(), row.unreadable)).collect();
        assert_eq!(seen, [("one", false), ("other", true), ("third", false)]);
        retire(&db, &[rows[1].name.clone()]).await.unwrap();
        assert_eq!(all(&db).await.unwrap().len(), 2);
    }
}
