//! What the product gives the engine: the code of a step.

use async_trait::async_trait;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::decide::Done;
use crate::error::StepError;
use crate::id::{Slot, WorkerName};
use crate::journal::rows::RowChange;
use crate::state::RunState;

/// What a step sees while it runs.
#[derive(Clone, Debug)]
pub struct StepContext {
    /// The run, as it was when the attempt was claimed.
    pub run: RunState,
    /// What is being attempted.
    pub slot: Slot,
    /// Which attempt this is, from 1: an input of whatever should act
    /// differently the second time.
    pub attempt: u32,
    /// Who runs it.
    pub worker: WorkerName,
    /// Fires when the attempt's outcome is not wanted any more: the run was
    /// cancelled or has failed elsewhere, the claim is lost, the time is over.
    /// A step that goes on after it does so in vain.
    pub cancel: CancellationToken,
}

impl StepContext {
    /// What the step at `position` returned; null if it returned nothing.
    #[must_use]
    pub fn output_of(&self, position: u16) -> &Value {
        self.run.outputs.get(&position).unwrap_or(&Value::Null)
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

/// The code of one named step. It may be run again after a crash at any point,
/// so whatever it does outside its own rows must bear being done twice: keys
/// derived from the run, written over, never appended to.
#[async_trait]
pub trait Step: Send + Sync + 'static {
    /// Makes the attempt.
    ///
    /// # Errors
    /// Its verdict, code and message; see [`StepError`].
    async fn run(&self, context: &StepContext) -> Result<StepOutput, StepError>;
}
