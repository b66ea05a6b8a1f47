//! Dead letters as operators see them, and what they do about them.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::Engine;
use crate::boxed;
use crate::crash::CrashPoint;
use crate::decide::{Command, Discard, Redrive};
use crate::error::StepError;
use crate::event::{Event, EventKind};
use crate::id::{RunId, WorkerName};
use crate::journal::audit::{AuditEntry, AuditLine};
use crate::journal::dead_letters::{DeadLetter, DeadLetterFilter, DeadLetterGroup};
use crate::journal::{CommandRequest, JournalError};
use crate::rows::RowChange;
use crate::state::RunState;
use crate::time::Timestamp;

/// Events that are read at once.
const EVENTS_AT_ONCE: u32 = 1_000;

/// One attempt at what a dead letter is about.
#[derive(Clone, Debug, PartialEq)]
pub struct AttemptRecord {
    /// Its number.
    pub attempt: u32,
    /// Who made it.
    pub worker: WorkerName,
    /// When it was claimed.
    pub started_at: Timestamp,
    /// When it ended; `None` while it runs.
    pub ended_at: Option<Timestamp>,
    /// How.
    pub end: AttemptEnd,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq)]
pub enum AttemptEnd {
    /// It has not.
    Running,
    /// It did it.
    Succeeded,
    /// It failed.
    Failed(StepError),
    /// Its worker vanished.
    Lost,
    /// It was given back.
    HandedBack,
}

impl Engine {
    /// Dead letters that the filter lets through, newest first, and how many
    /// there are in all.
    ///
    /// # Errors
    /// [`JournalError::Unavailable`], [`JournalError::Corrupt`].
    #[boxed]
    pub async fn dead_letters(
        &self,
        filter: &DeadLetterFilter,
        limit: u32,
        offset: u64,
    ) -> Result<(Vec<DeadLetter>, u64), JournalError> {
        self.shared.journal.dead_letters(filter, limit, offset).await
    }

    /// The dead letter, if there is one.
    ///
    /// # Errors
    /// [`JournalError::Unavailable`], [`JournalError::Corrupt`].
    #[boxed]
    pub async fn dead_letter(&self, id: Uuid) -> Result<Option<DeadLetter>, JournalError> {
        self.shared.journal.dead_letter(id).await
    }

    /// Which of `runs` have a dead letter that waits.
    ///
    /// # Errors
    /// [`JournalError::Unavailable`].
    #[boxed]
    pub async fn with_dead_letters(&self, runs: &[RunId]) -> Result<BTreeSet<RunId>, JournalError> {
        self.shared.journal.with_dead_letters(runs).await
    }

    /// The row that the letter was made of, as JSON, if that row can't be read.
    ///
    /// # Errors
    /// [`JournalError::Unavailable`].
    #[boxed]
    pub async fn raw_row_of(&self, id: Uuid) -> Result<Option<String>, JournalError> {
        self.shared.journal.raw_row_of(id).await
    }

    /// The dead letters that the filter lets through, counted by workflow, step,
    /// code and fingerprint, most frequent first; at most `limit` groups.
    ///
    /// # Errors
    /// [`JournalError::Unavailable`], [`JournalError::Corrupt`].
    #[boxed]
    pub async fn dead_letter_groups(
        &self,
        filter: &DeadLetterFilter,
        limit: u32,
    ) -> Result<Vec<DeadLetterGroup>, JournalError> {
        self.shared.journal.dead_letter_groups(filter, limit).await
    }

    /// Every attempt at what the letter is about, in order, up to its death.
    ///
    /// # Errors
    /// [`JournalError::Unavailable`], [`JournalError::Corrupt`].
    #[boxed]
    pub async fn attempts_of(&self, letter: &DeadLetter) -> Result<Vec<AttemptRecord>, JournalError> {
        let (mut attempts, mut after) = (Vec::new(), 0);
        loop {
            let page = self.history(letter.run, after, EVENTS_AT_ONCE).await?;
            let Some(last) = page.last() else { return Ok(attempts) };
            after = last.seq;
            for event in page.iter().filter(|event| event.at <= letter.at) {
                record(&mut attempts, letter, event);
            }
        }
    }

    /// Has a run go on that failed, ended partially, or waits for a person. Its
    /// waiting dead letters are settled by the same commit, and it is written
    /// down who did it. Of two at once, one is refused.
    ///
    /// # Errors
    /// [`JournalError::Refused`] when the run goes on already, its letter is
    /// settled, or it can't go on from the step that was asked for;
    /// [`JournalError::UnknownRun`], [`JournalError::Unavailable`].
    #[boxed]
    pub async fn redrive(&self, run: RunId, redrive: Redrive) -> Result<RunState, JournalError> {
        let request = CommandRequest { run, command: Command::Redrive(redrive), rows: Vec::new() };
        let committed = self.shared.apply(request).await?;
        self.shared.passes(CrashPoint::Redriven).await;
        self.shared.push(&committed.run.definition, &committed.deliveries).await;
        Ok(committed.run)
    }

    /// Gives a dead letter up, and with it a run that waits because of it: that
    /// one fails. It is written down who did it.
    ///
    /// # Errors
    /// [`JournalError::Refused`] when the letter is settled already;
    /// [`JournalError::UnknownRun`], [`JournalError::Unavailable`].
    #[boxed]
    pub async fn discard(&self, run: RunId, discard: Discard) -> Result<RunState, JournalError> {
        let request = CommandRequest { run, command: Command::Discard(discard), rows: Vec::new() };
        Ok(self.shared.apply(request).await?.run)
    }

    /// Writes down what an operator did, now.
    ///
    /// # Errors
    /// [`JournalError::Unavailable`].
    #[boxed]
    pub async fn audit(
        &self,
        actor: &str,
        action: &str,
        subject: &str,
        detail: serde_json::Value,
    ) -> Result<(), JournalError> {
        let (at, actor) = (self.shared.clock.now(), actor.to_owned());
        let (action, subject) = (action.to_owned(), subject.to_owned());
        self.shared.journal.audit(AuditEntry { at, actor, action, subject, detail }).await
    }

    /// Writes a row of the product's own tables and what was done by whom, now:
    /// both or neither. False, and nothing is written down, if no row is changed
    /// by it.
    ///
    /// # Errors
    /// [`JournalError::Unavailable`], [`JournalError::Conflict`].
    #[boxed]
    pub async fn change(
        &self,
        row: RowChange,
        actor: &str,
        action: &str,
        subject: &str,
        detail: serde_json::Value,
    ) -> Result<bool, JournalError> {
        let (at, actor) = (self.shared.clock.now(), actor.to_owned());
        let (action, subject) = (action.to_owned(), subject.to_owned());
        self.shared.journal.change(row, AuditEntry { at, actor, action, subject, detail }).await
    }

    /// What operators did, newest first, before the given position; at most
    /// `limit` lines.
    ///
    /// # Errors
    /// [`JournalError::Unavailable`], [`JournalError::Corrupt`].
    #[boxed]
    pub async fn audited(&self, before: Option<u64>, limit: u32) -> Result<Vec<AuditLine>, JournalError> {
        self.shared.journal.audited(before, limit).await
    }
}

fn record(attempts: &mut Vec<AttemptRecord>, letter: &DeadLetter, event: &Event) {
    let (attempt, end) = match &event.kind {
        EventKind::Started(attempt) => (attempt, AttemptEnd::Running),
        EventKind::Succeeded { attempt, .. } => (attempt, AttemptEnd::Succeeded),
        EventKind::Failed { attempt, error } => (attempt, AttemptEnd::Failed(error.clone())),
        EventKind::Lost(attempt) => (attempt, AttemptEnd::Lost),
        EventKind::HandedBack(attempt) => (attempt, AttemptEnd::HandedBack),
        _ => return,
    };
    if (attempt.step, attempt.item) != (letter.step, letter.item) {
        return;
    }
    if end == AttemptEnd::Running {
        let (worker, started_at) = (attempt.worker.clone(), event.at);
        attempts.push(AttemptRecord { attempt: attempt.attempt, worker, started_at, ended_at: None, end });
    } else if let Some(last) = attempts.last_mut().filter(|last| last.attempt == attempt.attempt) {
        last.ended_at = Some(event.at);
        last.end = end;
    }
}
