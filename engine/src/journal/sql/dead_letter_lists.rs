//! Reading dead letters.

use std::collections::BTreeSet;

use sea_orm::sea_query::{Expr, ExprTrait, Func, Order as Direction, Query};
use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use super::codec::{decode, number, stored};
use super::commit_error::CommitError;
use super::dead_letter::{self, DeadLetterRow, DeadLetters};
use crate::error::StepError;
use crate::id::RunId;
use crate::journal::database::Database;
use crate::journal::dead_letters::{DeadLetter, DeadLetterFilter, DeadLetterGroup, DeadLetterStatus};
use crate::time::Timestamp;

pub(super) async fn list(
    db: &Database,
    filter: &DeadLetterFilter,
    limit: u32,
    offset: u64,
) -> Result<(Vec<DeadLetter>, u64), CommitError> {
    let count = Query::select()
        .expr(Func::count(Expr::col(DeadLetters::Id)))
        .from(DeadLetters::Table)
        .cond_where(dead_letter::admitted(filter)?)
        .to_owned();
    let total = match db.query_one(&count).await? {
        Some(row) => number("count of dead letters", row.try_get_by_index::<i64>(0)?)?,
        None => 0,
    };
    let mut select = dead_letter::select(filter)?;
    select.limit(limit.into()).offset(stored(offset).unsigned_abs());
    let rows = db.query_all(&select).await?;
    let letters: Result<_, CommitError> =
        rows.iter().map(|row| Ok(DeadLetterRow::from_query_result(row, "")?.letter())).collect();
    Ok((letters?, total))
}

pub(super) async fn one(db: &Database, id: Uuid) -> Result<Option<DeadLetter>, CommitError> {
    let mut select = dead_letter::select(&DeadLetterFilter::default())?;
    select.and_where(Expr::col(DeadLetters::Id).eq(id));
    let row = db.query_one(&select).await?;
    row.map(|row| Ok(DeadLetterRow::from_query_result(&row, "")?.letter())).transpose()
}

/// The row that the letter was made of, if it keeps one.
pub(super) async fn raw(db: &Database, id: Uuid) -> Result<Option<String>, CommitError> {
    let select = Query::select()
        .column(DeadLetters::Raw)
        .from(DeadLetters::Table)
        .and_where(Expr::col(DeadLetters::Id).eq(id))
        .to_owned();
    match db.query_one(&select).await? {
        Some(row) => Ok(row.try_get_by_index(0)?),
        None => Ok(None),
    }
}

/// Runs that are asked for in one statement, within SQLite's 32,766 parameters.
const RUNS_MAX: usize = 10_000;

/// Which of `runs` have a letter that waits.
pub(super) async fn with_dead_letters(db: &Database, runs: &[RunId]) -> Result<BTreeSet<RunId>, CommitError> {
    let mut found = BTreeSet::new();
    for runs in runs.chunks(RUNS_MAX) {
        let select = Query::select()
            .distinct()
            .column(DeadLetters::RunId)
            .from(DeadLetters::Table)
            .and_where(Expr::col(DeadLetters::RunId).is_in(runs.iter().map(|run| run.0)))
            .and_where(Expr::col(DeadLetters::State).eq(DeadLetterStatus::Waiting.as_str()))
            .to_owned();
        for row in db.query_all(&select).await? {
            found.insert(RunId(row.try_get_by_index(0)?));
        }
    }
    Ok(found)
}

#[derive(FromQueryResult)]
struct GroupRow {
    definition: String,
    code: String,
    step_name: String,
    fingerprint: String,
    digest: Option<String>,
    error: String,
    letters: i64,
    tenants: i64,
    first_at_ms: i64,
    last_at_ms: i64,
}

pub(super) async fn groups(
    db: &Database,
    filter: &DeadLetterFilter,
    limit: u32,
) -> Result<Vec<DeadLetterGroup>, CommitError> {
    let common = [
        DeadLetters::Definition,
        DeadLetters::Code,
        DeadLetters::StepName,
        DeadLetters::Fingerprint,
        DeadLetters::Digest,
    ];
    let mut select = Query::select();
    select
        .columns(common)
        .expr_as(Func::max(Expr::col(DeadLetters::Error)), "error")
        .expr_as(Func::count(Expr::col(DeadLetters::Id)), "letters")
        .expr_as(Func::count_distinct(Expr::col(DeadLetters::Tenant)), "tenants")
        .expr_as(Func::min(Expr::col(DeadLetters::AtMs)), "first_at_ms")
        .expr_as(Func::max(Expr::col(DeadLetters::AtMs)), "last_at_ms")
        .from(DeadLetters::Table)
        .cond_where(dead_letter::admitted(filter)?)
        .group_by_columns(common)
        .order_by("letters", Direction::Desc)
        .limit(limit.into());
    for column in common {
        select.order_by(column, Direction::Asc);
    }
    let group = |row: &sea_orm::QueryResult| {
        let row = GroupRow::from_query_result(row, "")?;
        // A failure that can't be read must not hide its group.
        let unsaid = |_| StepError::permanent(row.code.clone(), "what failed can't be read");
        Ok(DeadLetterGroup {
            error: decode("error", &row.error).unwrap_or_else(unsaid),
            definition: row.definition,
            code: row.code,
            step_name: row.step_name,
            fingerprint: row.fingerprint,
            digest: row.digest,
            count: number("count of dead letters", row.letters)?,
            tenants: number("count of tenants", row.tenants)?,
            first_at: Timestamp(row.first_at_ms),
            last_at: Timestamp(row.last_at_ms),
        })
    };
    db.query_all(&select).await?.iter().map(group).collect()
}
