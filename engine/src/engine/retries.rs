//! What operators do about a slot that waits for its retry.

use super::Engine;
use crate::boxed;
use crate::decide::{Command, Refusal, RetryOrder};
use crate::error::StepError;
use crate::event::EventKind;
use crate::id::RunId;
use crate::journal::{CommandRequest, JournalError};
use crate::state::RunState;

/// Events that are read at once.
const EVENTS_AT_ONCE: u32 = 1_000;

impl Engine {
    /// Has the next attempt of a slot made now that waits for its retry. It is written
    /// down who did it.
    ///
    /// # Errors
    /// [`JournalError::Refused`] with [`Refusal::NoRetry`] when nothing waits there until
    /// a later time, with [`Refusal::Ended`] when the run has ended;
    /// [`JournalError::UnknownRun`], [`JournalError::Unavailable`].
    #[boxed]
    pub async fn retry_now(&self, run: RunId, order: RetryOrder) -> Result<RunState, JournalError> {
        let request = CommandRequest { run, command: Command::RetryNow(order), rows: Vec::new() };
        let committed = self.shared.apply(request).await?;
        self.shared.push(&committed.run.definition, &committed.deliveries).await;
        Ok(committed.run)
    }

    /// Gives a slot up that waits for its retry: it becomes a dead letter with its last
    /// failure, as if its attempts were spent. It is written down who did it.
    ///
    /// # Errors
    /// As [`Engine::retry_now`]; also due slots can be given up, as long as nobody holds
    /// them.
    #[boxed]
    pub async fn give_up_retry(&self, run: RunId, order: RetryOrder) -> Result<RunState, JournalError> {
        let failure = self.last_failure(run, &order).await?;
        let mut error = failure.ok_or(JournalError::Refused(Refusal::NoRetry))?;
        error.chain.push(format!("given up by {}: {}", order.by, order.reason));
        let request = CommandRequest { run, command: Command::GiveUp(order, error), rows: Vec::new() };
        let committed = self.shared.apply(request).await?;
        self.shared.push(&committed.run.definition, &committed.deliveries).await;
        Ok(committed.run)
    }

    /// How the last attempt at the slot failed.
    async fn last_failure(&self, run: RunId, order: &RetryOrder) -> Result<Option<StepError>, JournalError> {
        let (mut failure, mut after) = (None, 0);
        loop {
            let page = self.history(run, after, EVENTS_AT_ONCE).await?;
            let Some(last) = page.last() else { return Ok(failure) };
            after = last.seq;
            for event in page {
                match event.kind {
                    EventKind::Failed { attempt, error }
                        if (attempt.step, attempt.item) == (order.step, order.item) =>
                    {
                        failure = Some(error);
                    }
                    EventKind::Lost(attempt) if (attempt.step, attempt.item) == (order.step, order.item) => {
                        failure = Some(attempt.lost(run));
                    }
                    _ => {}
                }
            }
        }
    }
}
