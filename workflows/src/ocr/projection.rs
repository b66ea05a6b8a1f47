//! Keeps `tasks` and `files` in step with their runs.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, ExprTrait, Query, UpdateStatement};
use untxt_engine::event::{Event, EventKind};
use untxt_engine::id::RunId;
use untxt_engine::new_run::NewRun;
use untxt_engine::projection::Projection;
use untxt_engine::rows::RowChange;
use untxt_engine::state::{RunError, RunState, RunStatus};
use untxt_engine::time::Timestamp;
use uuid::Uuid;

use super::input::{EnginePin, TaskInput};
use super::{definition, told};
use crate::tables::{file, task};

/// The rows that the events of an `ocr` run mean.
#[derive(Clone, Copy, Debug)]
pub(super) struct TaskProjection;

impl Projection for TaskProjection {
    fn rows(&self, run: &RunState, events: &[Event]) -> Vec<RowChange> {
        let Some(last) = events.last().filter(|_| events.iter().any(changes_task)) else { return Vec::new() };
        let mut rows = vec![task_row(run, last).into()];
        let redriven = events.iter().any(|event| matches!(event.kind, EventKind::Redriven { .. }));
        let file = match run.status {
            RunStatus::Failed => Some("failed"),
            _ if redriven => Some("uploaded"),
            _ => None,
        };
        let input = file.and_then(|_| TaskInput::of(run).ok());
        if let (Some(status), Some(input)) = (file, input) {
            rows.push(file_is(input.file.id, status, last.at).into());
            if redriven {
                rows.push(pinned(run, &input.engine).into());
            }
        }
        rows
    }

    fn set_aside(&self, run: RunId, error: &RunError, at: Timestamp) -> Vec<RowChange> {
        let failed = Query::update()
            .table(task::Entity)
            .value(task::Column::Status, RunStatus::Failed.as_str())
            .value(task::Column::ErrorCode, error.code.as_str())
            .value(task::Column::ErrorMessage, error.message.as_str())
            .value(task::Column::CompletedAt, utc(at))
            .value(task::Column::UpdatedAt, utc(at))
            .and_where(Expr::col(task::Column::Id).eq(run.0))
            .to_owned();
        vec![failed.into()]
    }

    fn follow_ups(&self, run: &RunState, events: &[Event]) -> Vec<NewRun> {
        events.last().and_then(|last| told::of(run, last)).into_iter().collect()
    }

    fn digest(&self, run: &RunState) -> Option<String> {
        TaskInput::of(run).ok().map(|input| input.engine.digest)
    }
}

/// Whether a task's row says anything about such an event. A page that starts
/// or ends is counted in the journal; the row only learns of it when it ends a
/// wait for a retry.
fn changes_task(event: &Event) -> bool {
    match &event.kind {
        EventKind::Started(attempt) => attempt.item.is_none() || attempt.attempt > 1,
        EventKind::Opened { .. }
        | EventKind::RetryScheduled { .. }
        | EventKind::DeadLettered { paused: true, .. }
        | EventKind::Redriven { .. }
        | EventKind::Cancelled
        | EventKind::Completed
        | EventKind::CompletedPartially { .. }
        | EventKind::RunFailed { .. } => true,
        EventKind::Submitted { .. }
        | EventKind::Succeeded { .. }
        | EventKind::Failed { .. }
        | EventKind::Lost(_)
        | EventKind::HandedBack(_)
        | EventKind::DeadLettered { .. } => false,
    }
}

fn task_row(run: &RunState, last: &Event) -> UpdateStatement {
    let step = definition().step(run.step).map(|step| step.name);
    let error = run.error.as_ref();
    Query::update()
        .table(task::Entity)
        .value(task::Column::Status, run.status.as_str())
        .value(task::Column::Step, step)
        .value(task::Column::Attempt, i32::try_from(run.attempts.made).unwrap_or(i32::MAX))
        .value(task::Column::PagesTotal, i32::try_from(run.items.total).ok().filter(|total| *total > 0))
        .value(task::Column::ErrorCode, error.map(|error| error.code.clone()))
        .value(task::Column::ErrorMessage, error.map(|error| error.message.clone()))
        .value(task::Column::StartedAt, run.started_at.map(utc))
        .value(task::Column::CompletedAt, run.finished_at.map(utc))
        .value(task::Column::UpdatedAt, utc(last.at))
        .and_where(Expr::col(task::Column::Id).eq(run.id.0))
        .to_owned()
}

/// A redrive may have pinned the task to another engine.
fn pinned(run: &RunState, engine: &EnginePin) -> UpdateStatement {
    Query::update()
        .table(task::Entity)
        .value(task::Column::Engine, engine.name.as_str())
        .value(task::Column::EngineDigest, engine.digest.as_str())
        .and_where(Expr::col(task::Column::Id).eq(run.id.0))
        .to_owned()
}

fn file_is(id: Uuid, status: &str, at: Timestamp) -> UpdateStatement {
    Query::update()
        .table(file::Entity)
        .value(file::Column::Status, status)
        .value(file::Column::UpdatedAt, utc(at))
        .and_where(Expr::col(file::Column::Id).eq(id))
        .to_owned()
}

/// The engine's milliseconds as the tables keep them.
pub(crate) fn utc(at: Timestamp) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(at.0).unwrap_or_default()
}
