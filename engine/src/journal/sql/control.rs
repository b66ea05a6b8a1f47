//! The table `controls`: what operators set, a row for each workflow or tenant
//! for which something was set at any time.

use sea_orm::sea_query::{Expr, ExprTrait, OnConflict, Query};
use sea_orm::{ConnectionTrait, DbBackend, DeriveIden, FromQueryResult};
use serde::{Deserialize, Serialize};

use super::audit;
use super::codec::{decode, encode, stored};
use super::commit_error::CommitError;
use super::transaction::{TransactionEnd, begin, end};
use crate::controls::{ControlChange, Controls, TenantControls};
use crate::journal::JournalError;
use crate::journal::audit::AuditEntry;
use crate::journal::database::{Database, Transaction};
use crate::time::Timestamp;

#[derive(Clone, Copy, DeriveIden)]
enum ControlRows {
    #[sea_orm(iden = "controls")]
    Table,
    Kind,
    Name,
    Value,
    Revision,
}

#[derive(FromQueryResult)]
struct ControlRow {
    kind: String,
    name: String,
    value: String,
    revision: i64,
}

/// A workflow's value.
#[derive(Serialize, Deserialize)]
struct WorkflowControls {
    paused: bool,
}

impl ControlRow {
    fn revision(&self) -> u64 {
        self.revision.unsigned_abs()
    }

    fn change(self) -> Result<ControlChange, JournalError> {
        let name = self.name;
        Ok(match self.kind.as_str() {
            "workflow" => {
                let WorkflowControls { paused } = decode("controls.value", &self.value)?;
                ControlChange::Workflow { name, paused }
            }
            "tenant" => {
                let controls: TenantControls = decode("controls.value", &self.value)?;
                ControlChange::Tenant { name, controls }
            }
            other => return Err(JournalError::Corrupt(format!("controls.kind is {other}"))),
        })
    }
}

/// All of it, unless nothing changed since revision `known`.
pub(super) async fn changed_since<C: ConnectionTrait>(
    db: &C,
    known: u64,
) -> Result<Option<Controls>, CommitError> {
    let newer = Query::select()
        .expr(Expr::val(1))
        .from(ControlRows::Table)
        .and_where(Expr::col(ControlRows::Revision).gt(stored(known)))
        .to_owned();
    let statement = Query::select()
        .columns([ControlRows::Kind, ControlRows::Name, ControlRows::Value, ControlRows::Revision])
        .from(ControlRows::Table)
        .and_where(Expr::exists(newer))
        .order_by(ControlRows::Revision, sea_orm::Order::Asc)
        .to_owned();
    let mut controls = Controls::default();
    for row in db.query_all(&statement).await? {
        let row = ControlRow::from_query_result(&row, "")?;
        let (name, revision) = (format!("{} {}", row.kind, row.name), row.revision());
        match row.change() {
            Ok(change) => controls.follow(change, revision),
            Err(_) => controls.pass_over(name, revision),
        }
    }
    Ok((controls.revision > known).then_some(controls))
}

pub(super) async fn set(
    db: &Database,
    change: ControlChange,
    by: &str,
    at: Timestamp,
) -> Result<Controls, CommitError> {
    let tx = begin(db).await?;
    let set = set_in(&tx, change, by, at).await.map(|after| (after, TransactionEnd::Commit));
    end(tx, set).await
}

async fn set_in(
    tx: &Transaction,
    change: ControlChange,
    by: &str,
    at: Timestamp,
) -> Result<Controls, CommitError> {
    if tx.get_database_backend() == DbBackend::Postgres {
        // One change after the other, so that no two have one revision.
        tx.execute_unprepared("LOCK TABLE controls IN SHARE ROW EXCLUSIVE MODE").await?;
    }
    let mut controls = changed_since(tx, 0).await?.unwrap_or_default();
    let revision = controls.revision + 1;
    // What is changed in part is read and written in one transaction, so that
    // of two changes at once none is lost.
    let change = change.on(&controls);
    write(tx, &change, revision).await?;
    tx.execute(&audit::insert(&[AuditEntry::of_control(&change, by, at)])?).await?;
    controls.follow(change, revision);
    Ok(controls)
}

async fn write(tx: &Transaction, change: &ControlChange, revision: u64) -> Result<(), CommitError> {
    let (kind, name, value) = match change {
        ControlChange::Workflow { name, paused } => {
            ("workflow", name, encode(&WorkflowControls { paused: *paused })?)
        }
        ControlChange::Tenant { name, controls } => ("tenant", name, encode(controls)?),
        ControlChange::Adjust { name, .. } => {
            return Err(
                JournalError::Conflict(format!("tenant {name}: only whole settings are stored")).into()
            );
        }
    };
    let statement = Query::insert()
        .into_table(ControlRows::Table)
        .columns([ControlRows::Kind, ControlRows::Name, ControlRows::Value, ControlRows::Revision])
        .values_panic([kind.into(), name.as_str().into(), value.into(), stored(revision).into()])
        .on_conflict(
            OnConflict::columns([ControlRows::Kind, ControlRows::Name])
                .update_columns([ControlRows::Value, ControlRows::Revision])
                .to_owned(),
        )
        .to_owned();
    tx.execute(&statement).await?;
    Ok(())
}
