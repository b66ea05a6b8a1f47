//! The code of a step, and what it sees.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::decide::Done;
use crate::definition::Definition;
use crate::error::StepError;
use crate::id::{RunId, Slot, WorkerName};
use crate::rows::RowChange;
use crate::state::{ItemOutput, RunState};

/// What a step sees while it runs.
#[derive(Clone)]
pub struct StepContext {
    /// The run, as it was when the attempt was claimed.
    pub run: RunState,
    /// What is attempted.
    pub slot: Slot,
    /// Number of the attempt, from 1: an input of code that should act differently
    /// the second time.
    pub attempt: u32,
    /// The worker that runs it.
    pub worker: WorkerName,
    /// Fires when the outcome is no longer wanted: the run was cancelled or has
    /// failed elsewhere, the claim is lost, or the time is over. What a step does
    /// after that is in vain.
    pub cancel: CancellationToken,
    pub(crate) definition: Arc<Definition>,
    pub(crate) items: Arc<dyn ItemReader>,
}

/// Reads what the items of a step returned.
#[async_trait]
pub(crate) trait ItemReader: Send + Sync {
    /// Up to `limit` items of the run's step at position `step`, from item `from`
    /// on, in order.
    async fn items(&self, run: RunId, step: u16, from: u32, limit: u32)
    -> Result<Vec<ItemOutput>, StepError>;
}

impl StepContext {
    /// Index of the item that is attempted; 0 in a step that does not run per item.
    #[must_use]
    pub fn item(&self) -> u32 {
        self.slot.item.unwrap_or_default()
    }

    /// Name of the step that is attempted.
    #[must_use]
    pub fn step_name(&self) -> &'static str {
        self.definition.step_name(self.slot.step)
    }

    /// What the step called `step` returned; null if it returned nothing.
    ///
    /// # Errors
    /// A permanent `UNKNOWN_STEP` when the workflow has no such step.
    pub fn output_of(&self, step: &str) -> Result<&Value, StepError> {
        Ok(self.run.outputs.get(&self.position(step)?).unwrap_or(&Value::Null))
    }

    /// Up to `limit` items of the step called `step`, from item `from` on, in order
    /// and with what they returned. Read a page at a time: an item may be large.
    ///
    /// # Errors
    /// A permanent `UNKNOWN_STEP` when the workflow has no such step,
    /// `JOURNAL_UNAVAILABLE` when the journal does not answer, and a permanent
    /// `JOURNAL` when it can't be read.
    pub async fn items_of(&self, step: &str, from: u32, limit: u32) -> Result<Vec<ItemOutput>, StepError> {
        self.items.items(self.run.id, self.position(step)?, from, limit).await
    }

    fn position(&self, step: &str) -> Result<u16, StepError> {
        self.definition.position(step).ok_or_else(|| {
            let message = format!("workflow `{}` has no step called `{step}`", self.definition.name());
            StepError::permanent("UNKNOWN_STEP", message)
        })
    }
}

impl fmt::Debug for StepContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StepContext")
            .field("slot", &self.slot)
            .field("attempt", &self.attempt)
            .field("worker", &self.worker)
            .field("run", &self.run)
            .finish_non_exhaustive()
    }
}

/// What an attempt that succeeded leaves behind.
#[derive(Debug, Default)]
pub struct StepOutput {
    /// What it returns.
    pub done: Done,
    /// Rows that are committed with it, or not at all.
    pub rows: Vec<RowChange>,
}

impl StepOutput {
    /// Returns `output`.
    #[must_use]
    pub fn new(output: Value) -> Self {
        Self { done: Done { output, items: None }, rows: Vec::new() }
    }

    /// Names `count` items for the next step, which runs once for each.
    #[must_use]
    pub fn with_items(mut self, count: u32) -> Self {
        self.done.items = Some(count);
        self
    }

    /// Commits `rows` with the output.
    #[must_use]
    pub fn with_rows(mut self, rows: Vec<RowChange>) -> Self {
        self.rows = rows;
        self
    }
}

/// The code of one named step: a type, or an async function that takes a
/// [`StepContext`]. It may run again after a crash at any point, so its effects
/// other than its rows must be repeatable: keys derived from the run, overwritten,
/// never appended to.
#[async_trait]
pub trait Step: Send + Sync + 'static {
    /// Makes the attempt.
    ///
    /// # Errors
    /// Its verdict, code and message; see [`StepError`].
    async fn run(&self, context: StepContext) -> Result<StepOutput, StepError>;
}

#[async_trait]
impl<F, Running> Step for F
where
    F: Fn(StepContext) -> Running + Send + Sync + 'static,
    Running: Future<Output = Result<StepOutput, StepError>> + Send,
{
    async fn run(&self, context: StepContext) -> Result<StepOutput, StepError> {
        self(context).await
    }
}

#[async_trait]
impl Step for Arc<dyn Step> {
    async fn run(&self, context: StepContext) -> Result<StepOutput, StepError> {
        (**self).run(context).await
    }
}
