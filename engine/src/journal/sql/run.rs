//! The table `runs`: one row a run, what its events add up to.

use sea_orm::sea_query::{UpdateStatement, Value};
use sea_orm::{DeriveIden, FromQueryResult};
use uuid::Uuid;

use super::codec::{decode, encode, error_text, ms, number, stored};
use super::values::{ColumnValues, RowUpdate, update_from_values};
use crate::event::OnItemFailure;
use crate::id::{RunId, WorkerName};
use crate::journal::JournalError;
use crate::state::{ItemCount, RunError, RunState, RunStatus};
use crate::time::Timestamp;

#[derive(Clone, Copy, PartialEq, DeriveIden)]
pub(super) enum Runs {
    Table,
    Id,
    Definition,
    Version,
    Tenant,
    Priority,
    OnItemFailure,
    Input,
    Status,
    Step,
    Attempts,
    ItemsTotal,
    ItemsDone,
    ItemsFailed,
    Outputs,
    Error,
    Seq,
    CreatedAtMs,
    StartedAtMs,
    FinishedAtMs,
    DueAtMs,
    HeldBy,
    /// Not part of a run's state: set once its events and items are gone.
    PrunedAtMs,
}

/// What a run's state is read from.
pub(super) const COLUMNS: [Runs; 19] = [
    Runs::Id,
    Runs::Definition,
    Runs::Version,
    Runs::Tenant,
    Runs::Priority,
    Runs::OnItemFailure,
    Runs::Input,
    Runs::Status,
    Runs::Step,
    Runs::Attempts,
    Runs::ItemsTotal,
    Runs::ItemsDone,
    Runs::ItemsFailed,
    Runs::Outputs,
    Runs::Error,
    Runs::Seq,
    Runs::CreatedAtMs,
    Runs::StartedAtMs,
    Runs::FinishedAtMs,
];

#[derive(FromQueryResult)]
pub(super) struct RunRow {
    id: Uuid,
    definition: String,
    version: i32,
    tenant: String,
    priority: i16,
    on_item_failure: String,
    input: String,
    status: String,
    step: i32,
    attempts: String,
    items_total: i64,
    items_done: i64,
    items_failed: i64,
    outputs: String,
    error: Option<String>,
    seq: i64,
    created_at_ms: i64,
    started_at_ms: Option<i64>,
    finished_at_ms: Option<i64>,
}

impl RunRow {
    pub(super) fn state(self) -> Result<RunState, JournalError> {
        let unknown = |what: &str, word: &str| JournalError::Corrupt(format!("{what} `{word}` of a run"));
        Ok(RunState {
            id: RunId(self.id),
            version: number("runs.version", self.version)?,
            tenant: self.tenant,
            priority: number("runs.priority", self.priority)?,
            on_item_failure: match self.on_item_failure.as_str() {
                "fail" => OnItemFailure::Fail,
                "partial" => OnItemFailure::Partial,
                other => return Err(unknown("on_item_failure", other)),
            },
            input: decode("runs.input", &self.input)?,
            status: RunStatus::parse(&self.status).ok_or_else(|| unknown("status", &self.status))?,
            step: number("runs.step", self.step)?,
            attempts: decode("runs.attempts", &self.attempts)?,
            items: ItemCount {
                total: number("runs.items_total", self.items_total)?,
                done: number("runs.items_done", self.items_done)?,
                failed: number("runs.items_failed", self.items_failed)?,
            },
            outputs: decode("runs.outputs", &self.outputs)?,
            error: self.error.map(|error| decode("runs.error", &error)).transpose()?,
            seq: number("runs.seq", self.seq)?,
            created_at: Timestamp(self.created_at_ms),
            started_at: self.started_at_ms.map(Timestamp),
            finished_at: self.finished_at_ms.map(Timestamp),
            definition: self.definition,
        })
    }
}

/// What never changes after the submission.
fn fixed(run: &RunState) -> Result<[(Runs, Value); 8], JournalError> {
    let on_item_failure = match run.on_item_failure {
        OnItemFailure::Fail => "fail",
        OnItemFailure::Partial => "partial",
    };
    Ok([
        (Runs::Id, run.id.0.into()),
        (Runs::Definition, run.definition.clone().into()),
        (Runs::Version, number::<_, i32>("version", run.version)?.into()),
        (Runs::Tenant, run.tenant.clone().into()),
        (Runs::Priority, i16::from(run.priority).into()),
        (Runs::OnItemFailure, on_item_failure.into()),
        (Runs::Input, encode(&run.input)?.into()),
        (Runs::CreatedAtMs, run.created_at.0.into()),
    ])
}

/// What changes; `outputs` only if they did.
fn changing(
    run: &RunState,
    due_at: Option<Timestamp>,
    outputs: bool,
) -> Result<[(Runs, Value); 13], JournalError> {
    let outputs = outputs.then(|| encode(&run.outputs)).transpose()?;
    let held_by = run.attempts.holder.as_ref().map(|worker| worker.as_str().to_owned());
    Ok([
        (Runs::Status, run.status.as_str().into()),
        (Runs::Step, i32::from(run.step).into()),
        (Runs::Attempts, encode(&run.attempts)?.into()),
        (Runs::ItemsTotal, i64::from(run.items.total).into()),
        (Runs::ItemsDone, i64::from(run.items.done).into()),
        (Runs::ItemsFailed, i64::from(run.items.failed).into()),
        (Runs::Outputs, outputs.into()),
        (Runs::Error, error_text(run.error.as_ref())?.into()),
        (Runs::Seq, stored(run.seq).into()),
        (Runs::StartedAtMs, ms(run.started_at)),
        (Runs::FinishedAtMs, ms(run.finished_at)),
        (Runs::DueAtMs, ms(due_at)),
        (Runs::HeldBy, held_by.into()),
    ])
}

/// A run that is to be written: what it is now, when its own slot is due.
pub(super) struct ToWrite<'a> {
    pub(super) run: &'a RunState,
    pub(super) due_at: Option<Timestamp>,
    /// Whether its outputs are other than in the database.
    pub(super) outputs: bool,
}

/// What of a run stays as it is while whoever holds it goes on from step to step.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct RunSnapshot {
    status: RunStatus,
    items: ItemCount,
    error: Option<RunError>,
    started_at: Option<Timestamp>,
    holder: WorkerName,
}

impl RunSnapshot {
    /// As long as somebody holds the run: it is not due then, and has not ended.
    pub(super) fn of(run: &RunState) -> Option<Self> {
        let holder = run.attempts.holder.clone()?;
        let RunState { status, items, started_at, .. } = *run;
        Some(Self { status, items, error: run.error.clone(), started_at, holder })
    }
}

/// Columns that keep their value where the new one is NULL.
pub(super) const KEPT: [Runs; 1] = [Runs::Outputs];

impl ToWrite<'_> {
    /// The whole row.
    pub(super) fn row(&self) -> Result<ColumnValues<Runs>, JournalError> {
        Ok(fixed(self.run)?.into_iter().chain(changing(self.run, self.due_at, true)?).collect())
    }

    /// What finds the row as long as nobody has moved the run, and what changes.
    pub(super) fn change(&self, last_seq: u64) -> Result<RowUpdate<Runs>, JournalError> {
        let key = vec![(Runs::Id, self.run.id.0.into()), (Runs::Seq, stored(last_seq).into())];
        Ok((key, changing(self.run, self.due_at, self.outputs)?.into()))
    }

    /// The same for a run whose [`RunSnapshot`] is what it was.
    pub(super) fn step_on(&self, last_seq: u64) -> Result<RowUpdate<Runs>, JournalError> {
        let key = vec![(Runs::Id, self.run.id.0.into()), (Runs::Seq, stored(last_seq).into())];
        let outputs = self.outputs.then(|| encode(&self.run.outputs)).transpose()?;
        let row = vec![
            (Runs::Step, i32::from(self.run.step).into()),
            (Runs::Attempts, encode(&self.run.attempts)?.into()),
            (Runs::Outputs, outputs.into()),
            (Runs::Seq, stored(self.run.seq).into()),
        ];
        Ok((key, row))
    }
}

/// Changed rows; `changes` is not empty.
pub(super) fn update(changes: Vec<RowUpdate<Runs>>) -> UpdateStatement {
    update_from_values(Runs::Table, changes, &KEPT)
}
