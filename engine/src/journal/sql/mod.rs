//! The journal in SQLite or PostgreSQL. Its tables come from the migrations.

pub(super) mod commit_error;

mod codec;

mod values;

mod aside;
mod audit;
mod control;
mod cte;
mod dead_letter;
mod event;
mod item;
mod run;
mod worker;

mod run_cache;

mod texts;

mod batch;
mod dead_letter_lists;
mod erase;
mod inspect;
mod prune;
mod read;
mod redrive;
mod several;
mod signals;
mod slots;
mod transaction;
mod writer;

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use uuid::Uuid;

use self::batch::Request;
use self::signals::Signals;
use self::writer::Writer;
use super::audit::{AuditEntry, AuditLine};
use super::changes::Changes;
use super::dead_letters::{DeadLetter, DeadLetterFilter, DeadLetterGroup};
use super::inspect::{Backlog, Holding, Retry};
use super::retention::{Pruned, Retention};
use super::transition::Rules;
use super::{
    CommandRequest, Committed, Found, Histories, Journal, JournalError, Orphan, RunFilter, Tail, WorkerInfo,
};
use crate::controls::{ControlChange, Controls};
use crate::decide::{Claim, Command, Scheduled};
use crate::event::Event;
use crate::id::{RunId, WorkerName};
use crate::journal::database::Database;
use crate::new_run::NewRun;
use crate::rows::RowChange;
use crate::state::{ItemCount, ItemOutput, ItemSummary, RunState};
use crate::time::{Clock, Timestamp};
use crate::workflow::Workflows;

/// The record of all runs, in a database. Clones are the same journal.
#[derive(Clone)]
pub struct SqlJournal {
    db: Database,
    workflows: Workflows,
    writer: Writer,
    signals: Arc<Signals>,
}

impl SqlJournal {
    /// The journal in `db`, deciding for `workflows`; `jitter` draws evenly from
    /// 0..1 (`rand::random` outside of tests). Must be called within a Tokio
    /// runtime: the task that writes lives there until the last clone is gone.
    #[must_use]
    pub fn new(db: Database, workflows: Workflows, clock: Arc<dyn Clock>, jitter: fn() -> f64) -> Self {
        let rules = Arc::new(Rules { workflows: workflows.clone(), clock, jitter });
        let signals = Arc::new(Signals::over(db.clone()));
        Self { writer: Writer::spawn(db.of_journal(), rules, signals.committed()), db, workflows, signals }
    }
}

#[async_trait]
impl Journal for SqlJournal {
    fn workflows(&self) -> &Workflows {
        &self.workflows
    }

    fn changes(&self) -> Changes {
        self.signals.changes()
    }

    async fn submit(&self, runs: Vec<NewRun>) -> Result<Vec<Committed>, JournalError> {
        self.writer.ask(Request::Submit(runs)).await
    }

    async fn apply(&self, request: CommandRequest) -> Result<Committed, JournalError> {
        let ask = |request| self.writer.ask(Request::Apply(Box::new(request)));
        let mut committed = match request.command {
            // What is cancelled can be erased.
            Command::Cancel => self.db.making_room(|| ask(request.clone()), JournalError::is_full).await?,
            _ => ask(request).await?,
        };
        committed.pop().ok_or_else(|| JournalError::Corrupt("an request without an outcome".to_owned()))
    }

    async fn run(&self, run: RunId) -> Result<Option<RunState>, JournalError> {
        Ok(read::run(&self.db, run).await?)
    }

    async fn runs(
        &self,
        filter: &RunFilter,
        limit: u32,
        offset: u64,
    ) -> Result<(Vec<RunState>, u64), JournalError> {
        Ok(read::runs(&self.db, filter, limit, offset).await?)
    }

    async fn items(
        &self,
        run: RunId,
        step: u16,
        from: u32,
        limit: u32,
    ) -> Result<Vec<ItemOutput>, JournalError> {
        let items = read::items(&self.db, run, step, from, limit).await?;
        if items.is_empty() {
            prune::kept(&self.db, run).await?;
        }
        Ok(items)
    }

    async fn item_summaries(
        &self,
        run: RunId,
        step: u16,
        from: u32,
        limit: u32,
    ) -> Result<Vec<ItemSummary>, JournalError> {
        let items = read::item_summaries(&self.db, run, step, from, limit).await?;
        if items.is_empty() {
            prune::kept(&self.db, run).await?;
        }
        Ok(items)
    }

    async fn item_outputs(
        &self,
        run: RunId,
        step: u16,
        from: u32,
        limit: u32,
    ) -> Result<Vec<(u32, String)>, JournalError> {
        let outputs = read::item_outputs(&self.db, run, step, from, limit).await?;
        if outputs.is_empty() {
            prune::kept(&self.db, run).await?;
        }
        Ok(outputs)
    }

    async fn history(&self, run: RunId, after_seq: u64, limit: u32) -> Result<Vec<Event>, JournalError> {
        let events = read::history(&self.db, run, after_seq, limit).await?;
        if events.is_empty() {
            prune::kept(&self.db, run).await?;
        }
        Ok(events)
    }

    async fn histories(
        &self,
        runs: &[RunId],
        after: Option<(RunId, u64)>,
        limit: u32,
    ) -> Result<Histories, JournalError> {
        Ok(several::histories(&self.db, runs, after, limit).await?)
    }

    async fn item_counts(&self, runs: &[RunId]) -> Result<Vec<(RunId, ItemCount)>, JournalError> {
        Ok(several::item_counts(&self.db, runs).await?)
    }

    async fn tail(&self, cursor: Option<u64>, limit: u32) -> Result<Tail, JournalError> {
        Ok(read::tail(&self.db, cursor, limit).await?)
    }

    async fn due(
        &self,
        workflow: &str,
        until: Timestamp,
        after: Option<&Scheduled>,
        limit: u32,
    ) -> Result<Found<Scheduled>, JournalError> {
        Ok(slots::due(&self.db, workflow, until, after, limit).await?)
    }

    async fn heartbeat(&self, worker: &WorkerName, now: Timestamp) -> Result<bool, JournalError> {
        Ok(worker::heartbeat(&self.db, worker, now).await?)
    }

    async fn drain(
        &self,
        worker: &WorkerName,
        draining: bool,
        entry: AuditEntry,
    ) -> Result<bool, JournalError> {
        let row = worker::drain(worker, draining).into();
        Ok(audit::change(&self.db, &row, entry).await?)
    }

    async fn retire(&self, workers: &[WorkerName]) -> Result<(), JournalError> {
        Ok(worker::retire(&self.db, workers).await?)
    }

    async fn workers(&self) -> Result<Vec<WorkerInfo>, JournalError> {
        Ok(worker::all(&self.db).await?)
    }

    async fn orphans(&self, silent_since: Timestamp, limit: u32) -> Result<Found<Orphan>, JournalError> {
        Ok(slots::orphans(&self.db, silent_since, limit).await?)
    }

    async fn holdings(&self, limit: u32) -> Result<Vec<Holding>, JournalError> {
        Ok(inspect::holdings(&self.db, limit).await?)
    }

    async fn retries(&self, limit: u32, offset: u64) -> Result<(Vec<Retry>, u64), JournalError> {
        Ok(inspect::retries(&self.db, limit, offset).await?)
    }

    async fn backlog(&self, workflow: &str, now: Timestamp) -> Result<Backlog, JournalError> {
        Ok(inspect::backlog(&self.db, workflow, now).await?)
    }

    async fn prune(&self, retention: Retention, now: Timestamp) -> Result<Pruned, JournalError> {
        let db = &self.db;
        db.making_room(|| async { Ok(prune::prune(db, retention, now).await?) }, JournalError::is_full).await
    }

    async fn held(&self, worker: &WorkerName) -> Result<Found<Claim>, JournalError> {
        Ok(slots::held(&self.db, worker).await?)
    }

    async fn last_seqs(&self, runs: &[RunId]) -> Result<Vec<(RunId, u64)>, JournalError> {
        Ok(read::last_seqs(&self.db, runs).await?)
    }

    async fn controls(&self, known: u64) -> Result<Option<Controls>, JournalError> {
        Ok(control::changed_since(&self.db, known).await?)
    }

    async fn control(
        &self,
        change: ControlChange,
        by: &str,
        at: Timestamp,
    ) -> Result<Controls, JournalError> {
        Ok(control::set(&self.db, change, by, at).await?)
    }

    async fn ended(&self, runs: &[RunId]) -> Result<Vec<RunId>, JournalError> {
        Ok(read::ended(&self.db, runs).await?)
    }

    async fn dead_letters(
        &self,
        filter: &DeadLetterFilter,
        limit: u32,
        offset: u64,
    ) -> Result<(Vec<DeadLetter>, u64), JournalError> {
        Ok(dead_letter_lists::list(&self.db, filter, limit, offset).await?)
    }

    async fn dead_letter(&self, id: Uuid) -> Result<Option<DeadLetter>, JournalError> {
        Ok(dead_letter_lists::one(&self.db, id).await?)
    }

    async fn with_dead_letters(&self, runs: &[RunId]) -> Result<BTreeSet<RunId>, JournalError> {
        Ok(dead_letter_lists::with_dead_letters(&self.db, runs).await?)
    }

    async fn raw_row_of(&self, letter: Uuid) -> Result<Option<String>, JournalError> {
        Ok(dead_letter_lists::raw(&self.db, letter).await?)
    }

    async fn dead_letter_groups(
        &self,
        filter: &DeadLetterFilter,
        limit: u32,
    ) -> Result<Vec<DeadLetterGroup>, JournalError> {
        Ok(dead_letter_lists::groups(&self.db, filter, limit).await?)
    }

    async fn audit(&self, entry: AuditEntry) -> Result<(), JournalError> {
        Ok(audit::append(&self.db, entry).await?)
    }

    async fn change(&self, row: RowChange, entry: AuditEntry) -> Result<bool, JournalError> {
        Ok(audit::change(&self.db, &row, entry).await?)
    }

    async fn audited(&self, before: Option<u64>, limit: u32) -> Result<Vec<AuditLine>, JournalError> {
        Ok(audit::newest(&self.db, before, limit).await?)
    }

    async fn erase(&self, run: RunId, rows: Vec<RowChange>) -> Result<(), JournalError> {
        let db = &self.db;
        let erased = || {
            let rows = rows.clone();
            async { Ok(erase::erase(db, run, rows).await?) }
        };
        db.making_room(erased, JournalError::is_full).await
    }
}
