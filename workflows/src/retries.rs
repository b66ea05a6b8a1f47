//! What operators do about work that waits for its retry: have it tried now, or give it up.

use untxt_engine::decide::{Refusal, RetryOrder};
use untxt_engine::id::RunId;
use untxt_engine::journal::JournalError;
use untxt_engine::state::RunState;
use uuid::Uuid;

use crate::boxed;
use crate::operations::Operations;
use crate::redrive::Actor;

/// Why a retry was left as it is.
#[derive(Debug, thiserror::Error)]
pub enum RetryError {
    /// No run has that id.
    #[error("there is no run {0}")]
    NoRun(Uuid),
    /// Nothing waits there.
    #[error("run {run}{of_item}: {reason}", of_item = item.map_or_else(String::new, |item| format!(", item {item}")))]
    NoRetry {
        /// The run.
        run: Uuid,
        /// The item that was named.
        item: Option<u32>,
        /// What it does instead.
        reason: Refusal,
    },
    /// The journal could not do it.
    #[error(transparent)]
    Journal(JournalError),
}

impl Operations {
    /// Has the next attempt at a run's step, or at one item of it, made now instead of when
    /// its retry is due.
    ///
    /// # Errors
    /// Each [`RetryError`].
    #[boxed]
    pub async fn retry_now(
        &self,
        run: Uuid,
        item: Option<u32>,
        actor: &Actor,
    ) -> Result<RunState, RetryError> {
        let order = self.order(run, item, actor).await?;
        self.engine().retry_now(RunId(run), order).await.map_err(|error| refused(run, item, error))
    }

    /// Gives a run's step up that waits for its retry, or one item of it: it becomes a dead
    /// letter with its last failure.
    ///
    /// # Errors
    /// Each [`RetryError`].
    #[boxed]
    pub async fn give_up_retry(
        &self,
        run: Uuid,
        item: Option<u32>,
        actor: &Actor,
    ) -> Result<RunState, RetryError> {
        let order = self.order(run, item, actor).await?;
        self.engine().give_up_retry(RunId(run), order).await.map_err(|error| refused(run, item, error))
    }

    async fn order(&self, run: Uuid, item: Option<u32>, actor: &Actor) -> Result<RetryOrder, RetryError> {
        let found = self.engine().run(RunId(run)).await.map_err(RetryError::Journal)?;
        let step = found.ok_or(RetryError::NoRun(run))?.step;
        Ok(RetryOrder { step, item, by: actor.by.clone(), reason: actor.reason.clone() })
    }
}

fn refused(run: Uuid, item: Option<u32>, error: JournalError) -> RetryError {
    match error {
        JournalError::Refused(reason) => RetryError::NoRetry { run, item, reason },
        JournalError::UnknownRun(run) => RetryError::NoRun(run.0),
        error => RetryError::Journal(error),
    }
}
