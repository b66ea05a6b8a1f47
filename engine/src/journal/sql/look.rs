//! What operators look at. Every statement is answered by a partial index that
//! holds only what it is about.

use std::collections::BTreeMap;

use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ConnectionTrait, FromQueryResult, QueryResult, Statement};
use uuid::Uuid;

use super::codec::{decode, number, stored};
use super::commit_error::CommitError;
use super::event::{self, EventRow, Events};
use super::run::Runs;
use crate::id::{RunId, Slot, WorkerName};
use crate::journal::JournalError;
use crate::journal::database::Database;
use crate::journal::look::{Backlog, Holding, Retry, failure};
use crate::state::{Attempts, RunError};
use crate::time::Timestamp;

/// Runs whose own slot waits for a retry; the index `runs_retry_idx`.
const RUNS_RETRY: &str = "runs.due_at_ms IS NOT NULL AND runs.status = 'retrying'";
/// Items that wait for a retry; the index `items_retry_idx`.
const ITEMS_RETRY: &str = "items.due_at_ms IS NOT NULL AND items.error IS NOT NULL";

#[derive(FromQueryResult)]
struct SlotAttemptsRow {
    run_id: Uuid,
    step: i32,
    item: Option<i64>,
    definition: String,
    attempts: String,
}

impl SlotAttemptsRow {
    fn slot(&self) -> Result<Slot, JournalError> {
        let item = self.item.map(|item| number("items.item", item)).transpose()?;
        Ok(Slot { run: RunId(self.run_id), step: number("step", self.step)?, item })
    }

    fn attempts(&self) -> Result<Attempts, JournalError> {
        decode("attempts", &self.attempts)
    }
}

/// Slots that workers hold, by worker; at most `limit`.
pub(super) async fn holdings(db: &Database, limit: u32) -> Result<Vec<Holding>, CommitError> {
    let sql = format!(
        "SELECT id AS run_id, step, CAST(NULL AS bigint) AS item, definition, attempts, held_by \
         FROM runs WHERE held_by IS NOT NULL \
         UNION ALL \
         SELECT run_id, step, item, definition, attempts, held_by FROM items WHERE held_by IS NOT NULL \
         ORDER BY held_by, run_id, step, item LIMIT {limit}"
    );
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await?;
    let holding = |found: &QueryResult| -> Result<Holding, CommitError> {
        let row = SlotAttemptsRow::from_query_result(found, "")?;
        let worker = WorkerName::from(found.try_get::<String>("", "held_by")?);
        // The slot is taken all the same; 0 where it can't be read which attempt it is.
        let (slot, attempt) = (row.slot()?, row.attempts().map_or(0, |attempts| attempts.made));
        Ok(Holding { worker, slot, attempt, definition: row.definition })
    };
    // One that can't be read is left out until it is set aside.
    Ok(rows.iter().filter_map(|row| holding(row).ok()).collect())
}

/// What waits for a retry, the latest due first, and how much it is in all. Of
/// each table no more is read than the page may hold.
pub(super) async fn retries(
    db: &Database,
    limit: u32,
    offset: u64,
) -> Result<(Vec<Retry>, u64), CommitError> {
    let upto = stored(offset.saturating_add(limit.into()));
    let sql = format!(
        "SELECT * FROM (SELECT runs.id AS run_id, runs.step, CAST(NULL AS bigint) AS item, runs.definition, \
           runs.attempts, runs.tenant, runs.due_at_ms, CAST(NULL AS text) AS error \
           FROM runs \
           WHERE {RUNS_RETRY} ORDER BY runs.due_at_ms DESC, runs.id LIMIT {upto}) AS of_runs \
         UNION ALL \
         SELECT * FROM (SELECT items.run_id, items.step, items.item, items.definition, items.attempts, \
           runs.tenant, items.due_at_ms, items.error \
           FROM items JOIN runs ON runs.id = items.run_id \
           WHERE {ITEMS_RETRY} ORDER BY items.due_at_ms DESC, items.run_id, items.item LIMIT {upto}) AS of_items \
         ORDER BY due_at_ms DESC, run_id, item LIMIT {limit} OFFSET {}",
        stored(offset)
    );
    let backend = db.get_database_backend();
    let rows = db.query_all_raw(Statement::from_string(backend, sql)).await?;
    let mut retries: Vec<Retry> = rows.iter().filter_map(|row| retry(row).ok()).collect();
    let mut failures = failures(db, &retries).await?;
    for retry in retries.iter_mut().filter(|retry| retry.slot.item.is_none()) {
        retry.failure = failures.remove(&retry.slot.run);
    }
    let count = format!(
        "SELECT (SELECT COUNT(*) FROM runs WHERE {RUNS_RETRY}) \
         + (SELECT COUNT(*) FROM items WHERE {ITEMS_RETRY})"
    );
    Ok((retries, count_of(db, count).await?))
}

fn retry(found: &QueryResult) -> Result<Retry, CommitError> {
    let row = SlotAttemptsRow::from_query_result(found, "")?;
    let error: Option<String> = found.try_get("", "error")?;
    let failure = error.map(|error| decode("items.error", &error).unwrap_or_else(|why| unreadable(&why)));
    Ok(Retry {
        slot: row.slot()?,
        attempt: row.attempts().map_or(0, |attempts| attempts.made + 1),
        tenant: found.try_get("", "tenant")?,
        due_at: Timestamp(found.try_get("", "due_at_ms")?),
        definition: row.definition,
        failure,
    })
}

/// In place of a failure that can't be read, so that the others of its list can.
fn unreadable(why: &JournalError) -> RunError {
    RunError { code: "ROW_UNREADABLE".to_owned(), message: why.to_string() }
}

/// How the last attempts at runs' own slots failed, whose state does not say so:
/// what is scheduled last follows from what failed right before.
async fn failures(db: &Database, retries: &[Retry]) -> Result<BTreeMap<RunId, RunError>, CommitError> {
    let runs: Vec<Uuid> =
        retries.iter().filter(|retry| retry.slot.item.is_none()).map(|retry| retry.slot.run.0).collect();
    let mut failures = BTreeMap::new();
    if runs.is_empty() {
        return Ok(failures);
    }
    let last_two = Expr::col((Runs::Table, Runs::Seq)).sub(1);
    let select = Query::select()
        .columns(event::COLUMNS.map(|column| (Events::Table, column)))
        .from(Events::Table)
        .inner_join(Runs::Table, Expr::col((Runs::Table, Runs::Id)).equals((Events::Table, Events::RunId)))
        .and_where(Expr::col((Events::Table, Events::RunId)).is_in(runs))
        .and_where(Expr::col((Events::Table, Events::Seq)).gte(last_two))
        .to_owned();
    for row in db.query_all(&select).await? {
        let row = EventRow::from_query_result(&row, "")?;
        let events = match row.events() {
            Ok(events) => events,
            Err(why) => {
                failures.insert(row.run(), unreadable(&why));
                continue;
            }
        };
        for event in events {
            if let Some(failure) = failure(event.run, &event.kind) {
                failures.insert(event.run, failure);
            }
        }
    }
    Ok(failures)
}

/// How much of the workflow's work is open.
pub(super) async fn backlog(db: &Database, workflow: &str, now: Timestamp) -> Result<Backlog, CommitError> {
    let backend = db.get_database_backend();
    let (mut due, mut held) = (Vec::new(), Vec::new());
    for table in ["runs", "items"] {
        let of_workflow = format!("FROM {table} WHERE definition = $1");
        due.push(format!(
            "SELECT COUNT(*) AS open, COUNT(CASE WHEN due_at_ms <= {} THEN 1 END) AS ready, \
             MIN(due_at_ms) AS oldest {of_workflow} AND due_at_ms IS NOT NULL",
            now.0
        ));
        held.push(format!("SELECT COUNT(*) {of_workflow} AND held_by IS NOT NULL"));
    }
    let mut backlog = Backlog::default();
    for sql in due {
        let select = Statement::from_sql_and_values(backend, sql, [workflow.into()]);
        if let Some(row) = db.query_one_raw(select).await? {
            let (open, ready): (i64, i64) = (row.try_get("", "open")?, row.try_get("", "ready")?);
            backlog.ready += ready.unsigned_abs();
            backlog.scheduled += (open - ready).unsigned_abs();
            let oldest = row.try_get::<Option<i64>>("", "oldest")?.map(Timestamp);
            let ready = oldest.filter(|due_at| *due_at <= now);
            backlog.oldest_due_at = [backlog.oldest_due_at, ready].into_iter().flatten().min();
        }
    }
    for sql in held {
        let select = Statement::from_sql_and_values(backend, sql, [workflow.into()]);
        if let Some(row) = db.query_one_raw(select).await? {
            backlog.held += row.try_get_by_index::<i64>(0)?.unsigned_abs();
        }
    }
    Ok(backlog)
}

async fn count_of(db: &Database, sql: String) -> Result<u64, CommitError> {
    let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)).await?;
    let Some(row) = row else { return Ok(0) };
    Ok(row.try_get_by_index::<i64>(0)?.unsigned_abs())
}
