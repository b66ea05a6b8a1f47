//! The record. It alone writes the engine's tables; a run's state changes in no
//! other way than by a command that [`decide`](crate::decide::decide) follows
//! inside a transaction that holds the run.

pub mod audit;
pub mod dead_letters;

pub mod changes;
pub mod inspect;
pub mod retention;

mod transition;

pub mod memory;

pub mod sql;

mod nodelay;

pub mod database;

pub mod clock;

pub mod version;

#[cfg(test)]
mod conformance;

use std::collections::BTreeSet;

use async_trait::async_trait;
use uuid::Uuid;

use self::audit::{AuditEntry, AuditLine};
use self::dead_letters::{DeadLetter, DeadLetterFilter, DeadLetterGroup};
use crate::controls::{ControlChange, Controls};
use crate::decide::{Claim, Command, Refusal, Scheduled};
use crate::error::{Budget, StepError};
use crate::event::Event;
use crate::id::{RunId, Slot, WorkerName};
use crate::new_run::NewRun;
use crate::rows::RowChange;
use crate::state::{ItemCount, ItemOutput, ItemState, ItemStatus, ItemSummary, RunState, RunStatus};
use crate::time::Timestamp;
use crate::workflow::Workflows;
use changes::Changes;
use inspect::{Backlog, Holding, Retry};
use retention::{Pruned, Retention};

/// A command and what goes with it into its transaction.
#[derive(Clone, Debug, PartialEq)]
pub struct CommandRequest {
    /// Which run.
    pub run: RunId,
    /// What is wanted.
    pub command: Command,
    /// The product's rows, written only if the command is followed.
    pub rows: Vec<RowChange>,
}

/// What a followed command left behind, all of it committed.
#[derive(Clone, Debug, PartialEq)]
pub struct Committed {
    /// The run after it.
    pub run: RunState,
    /// The item it was about, after it.
    pub item: Option<ItemState>,
    /// The events it made, in order.
    pub events: Vec<Event>,
    /// The deliveries to be pushed.
    pub deliveries: Vec<Scheduled>,
    /// Runs that began with it; see [`Projection::follow_ups`](crate::projection::Projection::follow_ups).
    pub begun: Vec<Committed>,
}

/// A slot whose worker is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Orphan {
    /// What it had claimed.
    pub claim: Claim,
    /// Who it was.
    pub worker: WorkerName,
}

/// A slot of which the journal holds what this program can't read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Which; without an item where it can't be told which one it is.
    pub slot: Slot,
    /// What is wrong with it.
    pub why: String,
}

/// What a list holds, row by row: one that can't be read hides no other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found<T> {
    /// What can be read, in order.
    pub rows: Vec<T>,
    /// What can't.
    pub unreadable: Vec<Unreadable>,
}

impl<T> From<Vec<T>> for Found<T> {
    fn from(rows: Vec<T>) -> Self {
        Self { rows, unreadable: Vec::new() }
    }
}

/// A worker as the journal knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerInfo {
    /// Its name.
    pub name: WorkerName,
    /// When it registered.
    pub started_at: Timestamp,
    /// When it was last heard of.
    pub heartbeat_at: Timestamp,
    /// Whether an operator drains it: it starts nothing new.
    pub draining: bool,
    /// Whether its row holds times that this program can't read: those above are
    /// the beginning of time then, as of a worker that is long gone.
    pub unreadable: bool,
}

/// Which runs a list shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Only this tenant's.
    pub tenant: Option<String>,
    /// Only these; empty means all.
    pub statuses: Vec<RunStatus>,
}

/// Events in the order in which they became visible, across all runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tail {
    /// Where to go on reading.
    pub cursor: u64,
    /// What came after the cursor that was given. Of one run always in the
    /// order of `seq`, but the end of one run's line may come with a later
    /// call.
    pub events: Vec<Event>,
    /// The runs of which events came that can't be read, and why.
    pub unreadable: Vec<(RunId, String)>,
}

/// Events of several runs, run after run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histories {
    /// In the order of the runs' ids, and of each run in the order of `seq`.
    pub events: Vec<Event>,
    /// The runs of which events can't be read, and why.
    pub unreadable: Vec<(RunId, String)>,
    /// Where to go on reading; `None` when this was all.
    pub next: Option<(RunId, u64)>,
}

/// Why the journal could not do it.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// No run has that id.
    #[error("there is no run {0}")]
    UnknownRun(RunId),
    /// The run's workflow is not one of this program's.
    #[error("workflow `{0}` is not known to this program")]
    UnknownDefinition(String),
    /// The command was not followed; nothing was written.
    #[error("the command was refused: {0}")]
    Refused(#[from] Refusal),
    /// The database refuses a row for good (its key exists, or its value does not
    /// fit its column); nothing was written.
    #[error("the database refused a row, because its key exists or a value does not fit: {0}")]
    Conflict(String),
    /// The run ended so long ago that its events and items are not kept any
    /// more; its own row still says how it ended.
    #[error(
        "the history of run {0} was pruned: it ended longer ago than UNTXT_RETAIN_DAYS; \
         only its final state is kept"
    )]
    Pruned(RunId),
    /// The database can't be reached or gave up (restart, serialization, pool);
    /// nothing is known to be written, and the same call may be made again.
    #[error("the journal's database does not answer: {0}; check DATABASE_URL and the server")]
    Unavailable(String),
    /// The database's disk is full; nothing was written, and the same call may be
    /// made again once there is room.
    #[error("the disk of the journal's database is full: {0}; free some of it, or erase tasks")]
    Full(String),
    /// What stands in the database is not what this program writes.
    #[error("this version can't read the journal: {0}")]
    Corrupt(String),
}

impl JournalError {
    /// Whether the database's disk is full.
    #[must_use]
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Full(_))
    }

    /// The failure of a step that needed the journal: `JOURNAL_UNAVAILABLE`, to be
    /// retried, when the database does not answer or its disk is full, and a
    /// permanent `JOURNAL` otherwise.
    #[must_use]
    pub fn to_step_error(&self) -> StepError {
        let text = self.to_string();
        let failure = match self {
            Self::Unavailable(_) | Self::Full(_) => {
                StepError::retry(Budget::Transport, "JOURNAL_UNAVAILABLE", text)
            }
            Self::UnknownRun(_)
            | Self::UnknownDefinition(_)
            | Self::Refused(_)
            | Self::Pruned(_)
            | Self::Conflict(_)
            | Self::Corrupt(_) => StepError::permanent("JOURNAL", text),
        };
        failure.caused_by(self)
    }
}

/// The record of all runs. Every method that changes something does so in one
/// transaction: all of it holds after the call, or nothing.
#[async_trait]
pub trait Journal: Send + Sync + 'static {
    /// The workflows it was opened with.
    fn workflows(&self) -> &Workflows;

    /// Records new runs, all or none. The commit is the turning point: from
    /// here on the run ends in a terminal status whatever crashes.
    ///
    /// # Errors
    /// [`JournalError::Conflict`] when one of the rows exists,
    /// [`JournalError::UnknownDefinition`], [`JournalError::Unavailable`].
    async fn submit(&self, runs: Vec<NewRun>) -> Result<Vec<Committed>, JournalError>;

    /// Follows a command, or refuses it and writes nothing.
    ///
    /// # Errors
    /// [`JournalError::Refused`] with the reason; [`JournalError::UnknownRun`],
    /// [`JournalError::UnknownDefinition`], [`JournalError::Unavailable`].
    async fn apply(&self, order: CommandRequest) -> Result<Committed, JournalError>;

    /// The run, if there is one.
    ///
    /// # Errors
    /// [`JournalError::Unavailable`], [`JournalError::Corrupt`].
    async fn run(&self, run: RunId) -> Result<Option<RunState>, JournalError>;

    /// Runs, newest first, and how many there are in all.
    ///
    /// # Errors
    /// [`JournalError::Unavailable`], [`JournalError::Corrupt`].
    async fn runs(
        &self,
        filter: &RunFilter,
        limit: u32,
        offset: u64,
    ) -> Result<(Vec<RunState>, u64), JournalError>;

    /// Up to `limit` items of the run's step from `from` on, with what they
    /// returned, in order. Callers page through: an item may be large.
    ///
    /// # Errors
    /// [`JournalError::Pruned`], [`JournalError::Unavailable`],
    /// [`JournalError::Corrupt`].
    async fn items(
        &self,
        run: RunId,
        step: u16,
        from: u32,
        limit: u32,
    ) -> Result<Vec<ItemOutput>, JournalError>;

    /// The same items without what they returned, but how long that is.
    ///
    /// # Errors
    /// Those of [`Journal::items`].
    async fn item_summaries(
        &self,
        run: RunId,
        step: u16,
        from: u32,
        limit: u32,
    ) -> Result<Vec<ItemSummary>, JournalError> {
        let items = self.items(run, step, from, limit).await?;
        Ok(items.into_iter().map(ItemSummary::from).collect())
    }

    /// What those of the same items returned that are done, as JSON text, with the
    /// index of each: for callers that need some of it and not all of its values.
    ///
    /// # Errors
    /// Those of [`Journal::items`].
    async fn item_outputs(
        &self,
        run: RunId,
        step: u16,
        from: u32,
        limit: u32,
    ) -> Result<Vec<(u32, String)>, JournalError> {
        let items = self.items(run, step, from, limit).await?.into_iter();
        let done = items.filter(|item| item.state.status == ItemStatus::Done);
        Ok(done.map(|item| (item.state.index, item.output.to_string())).collect())
    }

    /// The run's events after `after_seq`, in order, at most `limit`.
    ///
    /// # Errors
    /// [`JournalError::Pruned`], [`JournalError::Unavailable`],
    /// [`JournalError::Corrupt`].
    async fn history(&self, run: RunId, after_seq: u64, limit: u32) -> Result<Vec<Event>, JournalError>;

    /// The events of `runs` in the order of the runs' ids and of `seq`: those
    /// behind `after`, or all. At most `limit` and the rest of one decision. Runs
    /// that are not there, or whose history was pruned, are left out.
    ///
    /// # Errors
    /// [`JournalError::Unavailable`].
    async fn histories(
        &self,
        runs: &[RunId],
        after: Option<(RunId, u64)>,
        limit: u32,
    ) -> Result<Histories, JournalError> {
        let mut runs = runs.to_vec();
        runs.sort_unstable();
        runs.dedup();
        let mut found = Histories::default();
        for run in runs.into_iter().filter(|run| after.is_none_or(|(from, _)| *run >= from)) {
            let after_seq = after.filter(|(from, _)| *from == run).map_or(0, |(_, seq)| seq);
            let left = limit.saturating_sub(u32::try_from(found.events.len()).unwrap_or(u32::MAX));
            if left == 0 {
                found.next = found.events.last().map(|last| (last.run, last.seq));
                break;
            }
            match self.history(run, after_seq, left).await {
                Ok(events) => found.events.extend(events),
                Err(JournalError::Pruned(_)) => {}
                Err(JournalError::Corrupt(why)) => found.unreadable.push((run, why)),
                Err(error) => return Err(error),
            }
        }
        if found.events.len() >= limit as usize {
            found.next = found.events.last().map(|last| (last.run, last.seq));
        }
        Ok(found)
    }

    /// How many items each of `runs` has, and how many of them are done. Runs that
    /// are not there are left out.
    ///
    /// # Errors
    /// [`JournalError::Unavailable`], [`JournalError::Corrupt`].
    async fn item_counts(&self, runs: &[RunId]) -> Result<Vec<(RunId, ItemCount)>, JournalError> {
        let mut counts = Vec::with_capacity(runs.len());
        for run in runs {
            counts.extend(self.run(*run).await?.map(|state| (*run, state.items)));
        }
        Ok(counts)
    }

    /// Events of all runs after `cursor`, at most `limit`; `None` begins at the
    /// present end and returns only the cursor. Events that can't be read are
    /// passed over and named in the answer.
    ///
    /// # Errors
    /// [`JournalError::Unavailable`], [`JournalError::Corrupt`].
    async fn tail(&self, cursor: Option<u64>, limit: u32) -> Result<Tail, JournalError>;

    /// Every delivery that should stand in the queue of `workflow` now: open
    /// slots of its runs that nobody holds and that are due by `until`, most
    /// urgent first, at most `limit`; those after `after`, if that is given.
    ///
    /// # Errors
    /// [`JournalError::Unavailable`], [`JournalError::Corrupt`].
    async fn due(
        &self,
        workflow: &str,
        until: Timestamp,
        after: Option<&Scheduled>,
        limit: u32,
    ) -> Result<Found<Scheduled>, JournalError>;

    /// Says that `worker` is alive at `now`; registers it the first time. Whether it is to
    /// start nothing new.
    ///
    /// # Errors
    /// [`JournalError::Unavailable`].
    async fn heartbeat(&self, worker: &WorkerName, now: Timestamp) -> Result<bool, JournalError>;

    /// Says whether `worker` is to start nothing new, and writes `entry` into the audit
    /// log; false, and nothing is written, if it is not on the list.
    ///
    /// # Errors
    /// [`JournalError::Unavailable`].
    async fn drain(
        &self,
        worker: &WorkerName,
        draining: bool,
        entry: AuditEntry,
    ) -> Result<bool, JournalError>;

    /// Takes workers off the list: they are known to be gone.
    ///
    /// # Errors
    /// [`JournalError::Unavailable`].
    async fn retire(&self, workers: &[WorkerName]) -> Result<(), JournalError>;

    /// The workers on the list.
    ///
    /// # Errors
    /// [`JournalError::Unavailable`].
    async fn workers(&self) -> Result<Vec<WorkerInfo>, JournalError>;

    /// Slots of unfinished runs that are held by a worker which is not on the
    /// list or was last heard of before `silent_since`; at most `limit`.
    ///
    /// # Errors
    /// [`JournalError::Unavailable`], [`JournalError::Corrupt`].
    async fn orphans(&self, silent_since: Timestamp, limit: u32) -> Result<Found<Orphan>, JournalError>;

    /// Slots that workers hold, by worker; at most `limit`.
    ///
    /// # Errors
    /// [`JournalError::Unavailable`], [`JournalError::Corrupt`].
    async fn holdings(&self, limit: u32) -> Result<Vec<Holding>, JournalError>;

    /// Slots that wait for a retry, the latest due first, and how many there
    /// are in all.
    ///
    /// # Errors
    /// [`JournalError::Unavailable`], [`JournalError::Corrupt`].
    async fn retries(&self, limit: u32, offset: u64) -> Result<(Vec<Retry>, u64), JournalError>;

    /// How much of the workflow's work is open at `now`.
    ///
    /// # Errors
    /// [`JournalError::Unavailable`].
    async fn backlog(&self, workflow: &str, now: Timestamp) -> Result<Backlog, JournalError>;

    /// Takes away some of what `retention` does not keep any more at `now`: no
    /// more than leaves a call short. Runs that have not ended, or have a dead
    /// letter that waits, are not touched.
    ///
    /// # Errors
    /// [`JournalError::Unavailable`].
    async fn prune(&self, retention: Retention, now: Timestamp) -> Result<Pruned, JournalError>;

    /// What `worker` holds of runs that have not ended.
    ///
    /// # Errors
    /// [`JournalError::Unavailable`], [`JournalError::Corrupt`].
    async fn held(&self, worker: &WorkerName) -> Result<Found<Claim>, JournalError>;

    /// How far each of `runs` is: the `seq` of its last event. Runs that never
    /// were are left out.
    ///
    /// # Errors
    /// [`JournalError::Unavailable`].
    async fn last_seqs(&self, runs: &[RunId]) -> Result<Vec<(RunId, u64)>, JournalError>;

    /// What operators set, unless nothing changed since revision `known`; 0 asks
    /// for all that was ever set.
    ///
    /// # Errors
    /// [`JournalError::Unavailable`], [`JournalError::Corrupt`].
    async fn controls(&self, known: u64) -> Result<Option<Controls>, JournalError>;

    /// Sets one thing, and writes down in the audit that `by` did; all that is set
    /// after it.
    ///
    /// # Errors
    /// [`JournalError::Conflict`] for a name that is too long,
    /// [`JournalError::Unavailable`].
    async fn control(&self, change: ControlChange, by: &str, at: Timestamp)
    -> Result<Controls, JournalError>;

    /// Which of `runs` have ended (or never were).
    ///
    /// # Errors
    /// [`JournalError::Unavailable`].
    async fn ended(&self, runs: &[RunId]) -> Result<Vec<RunId>, JournalError>;

    /// Dead letters that the filter lets through, newest first, and how many
    /// there are in all.
    ///
    /// # Errors
    /// [`JournalError::Unavailable`], [`JournalError::Corrupt`].
    async fn dead_letters(
        &self,
        filter: &DeadLetterFilter,
        limit: u32,
        offset: u64,
    ) -> Result<(Vec<DeadLetter>, u64), JournalError>;

    /// The dead letter, if there is one.
    ///
    /// # Errors
    /// [`JournalError::Unavailable`], [`JournalError::Corrupt`].
    async fn dead_letter(&self, id: Uuid) -> Result<Option<DeadLetter>, JournalError>;

    /// Which of `runs` have a dead letter that waits.
    ///
    /// # Errors
    /// [`JournalError::Unavailable`].
    async fn with_dead_letters(&self, runs: &[RunId]) -> Result<BTreeSet<RunId>, JournalError>;

    /// The row that the letter was made of, as JSON, if it was made because that
    /// row can't be read.
    ///
    /// # Errors
    /// [`JournalError::Unavailable`].
    async fn raw_row_of(&self, _letter: Uuid) -> Result<Option<String>, JournalError> {
        Ok(None)
    }

    /// The dead letters that the filter lets through, counted by what they have
    /// in common, most frequent first; at most `limit` groups.
    ///
    /// # Errors
    /// [`JournalError::Unavailable`], [`JournalError::Corrupt`].
    async fn dead_letter_groups(
        &self,
        filter: &DeadLetterFilter,
        limit: u32,
    ) -> Result<Vec<DeadLetterGroup>, JournalError>;

    /// Writes down what an operator did. What commands do to runs and dead
    /// letters is written down with them.
    ///
    /// # Errors
    /// [`JournalError::Unavailable`].
    async fn audit(&self, entry: AuditEntry) -> Result<(), JournalError>;

    /// Writes a row of the product's own tables and who did it, in one
    /// transaction. Neither, and false, if no row is changed by it; a journal that
    /// knows no tables takes it that one is.
    ///
    /// # Errors
    /// [`JournalError::Unavailable`], [`JournalError::Conflict`].
    async fn change(&self, row: RowChange, entry: AuditEntry) -> Result<bool, JournalError>;

    /// What operators did, newest first, before the given position; at most
    /// `limit` lines.
    ///
    /// # Errors
    /// [`JournalError::Unavailable`], [`JournalError::Corrupt`].
    async fn audited(&self, before: Option<u64>, limit: u32) -> Result<Vec<AuditLine>, JournalError>;

    /// Erases an ended run with its events, items and dead letters, and writes
    /// `rows` with it.
    ///
    /// # Errors
    /// [`JournalError::Refused`] with [`Refusal::Stale`] while the run has not
    /// ended; [`JournalError::UnknownRun`], [`JournalError::Unavailable`].
    async fn erase(&self, run: RunId, rows: Vec<RowChange>) -> Result<(), JournalError>;

    /// Word of events that are committed from now on, in whichever process. A
    /// journal that brings none says so, and whoever follows it looks all the time
    /// then. What is erased is found by looking.
    fn changes(&self) -> Changes {
        Changes::polling_only()
    }
}
