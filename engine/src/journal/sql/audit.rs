//! The table `audit`: append-only.

use sea_orm::sea_query::{Expr, ExprTrait, InsertStatement, Order as Direction, Query};
use sea_orm::{ConnectionTrait, DeriveIden, FromQueryResult};

use serde_json::json;

use super::codec::{bounded, decode, encode, number, stored};
use super::commit_error::CommitError;
use super::transaction::{TransactionEnd, begin, end, execute_row};
use crate::journal::JournalError;
use crate::journal::audit::{AuditEntry, AuditLine};
use crate::journal::database::Database;
use crate::rows::RowChange;
use crate::time::Timestamp;

#[derive(Clone, Copy, DeriveIden)]
enum Audit {
    Table,
    Position,
    AtMs,
    Actor,
    Action,
    Subject,
    Detail,
}

#[derive(FromQueryResult)]
struct AuditRow {
    position: i64,
    at_ms: i64,
    actor: String,
    action: String,
    subject: String,
    detail: String,
}

impl AuditRow {
    fn line(self) -> Result<AuditLine, JournalError> {
        let entry = AuditEntry {
            at: Timestamp(self.at_ms),
            actor: self.actor,
            action: self.action,
            subject: self.subject,
            // What can't be read hides no other line.
            detail: decode("audit.detail", &self.detail).unwrap_or_else(|_: JournalError| json!(self.detail)),
        };
        Ok(AuditLine { position: number("audit.position", self.position)?, entry })
    }
}

/// New rows; `entries` is not empty.
pub(super) fn insert(entries: &[AuditEntry]) -> Result<InsertStatement, JournalError> {
    let mut statement = Query::insert();
    let columns = [Audit::AtMs, Audit::Actor, Audit::Action, Audit::Subject, Audit::Detail];
    statement.into_table(Audit::Table).columns(columns);
    for entry in entries {
        statement.values_panic([
            entry.at.0.into(),
            bounded(&entry.actor, 128).into(),
            bounded(&entry.action, 64).into(),
            bounded(&entry.subject, 200).into(),
            encode(&entry.detail)?.into(),
        ]);
    }
    Ok(statement)
}

pub(super) async fn append(db: &Database, entry: AuditEntry) -> Result<(), CommitError> {
    db.execute(&insert(&[entry])?).await?;
    Ok(())
}

/// Writes a row of the product's, and who did it if that changed anything.
pub(super) async fn change(db: &Database, row: &RowChange, entry: AuditEntry) -> Result<bool, CommitError> {
    let insert = insert(&[entry])?;
    let tx = begin(db).await?;
    let changed = async {
        if execute_row(&tx, row).await? == 0 {
            return Ok((false, TransactionEnd::Nothing));
        }
        tx.execute(&insert).await?;
        Ok((true, TransactionEnd::Commit))
    };
    let changed = changed.await;
    end(tx, changed).await
}

pub(super) async fn newest(
    db: &Database,
    before: Option<u64>,
    limit: u32,
) -> Result<Vec<AuditLine>, CommitError> {
    let columns = [Audit::Position, Audit::AtMs, Audit::Actor, Audit::Action, Audit::Subject, Audit::Detail];
    let mut select = Query::select();
    select.columns(columns).from(Audit::Table).order_by(Audit::Position, Direction::Desc).limit(limit.into());
    if let Some(before) = before {
        select.and_where(Expr::col(Audit::Position).lt(stored(before)));
    }
    let rows = db.query_all(&select).await?;
    rows.iter().map(|row| Ok(AuditRow::from_query_result(row, "")?.line()?)).collect()
}
