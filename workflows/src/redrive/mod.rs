//! Going on after a death: how a task goes on, and the workflow that goes through
//! many dead letters.

mod how;

mod one;

pub mod bulk;
mod step;

pub use how::How;
pub use one::RedriveError;
pub(crate) use one::{check_step, discard, redrive};

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use untxt_engine::definition::{Definition, DefinitionError, Spread, StepDefinition};
use untxt_engine::retry::{Budgets, RetryPolicy};
use untxt_engine::workflow::Workflow;

pub(crate) use step::Letters;

/// Name of the workflow that goes through many letters, and of its queue.
pub const WORKFLOW: &str = "redrive";

/// Whose the runs of the workflow are.
pub const TENANT: &str = "operators";

/// Who asks, and why; it stands in the letters, the history and the audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asker {
    /// Such as `cli:ann`.
    pub by: String,
    /// In their words; may be empty.
    pub reason: String,
}

/// One step that takes as long as there are letters and the rate allows. It is
/// begun again as often as its workers die: what it did stands in the letters.
///
/// # Errors
/// Never for the step below; the engine checks every definition alike.
pub fn definition() -> Result<Definition, DefinitionError> {
    let policy = RetryPolicy {
        budgets: Budgets { transport: 1_000, throttle: 1_000, content: 2, lost_worker: 1_000 },
        timeout: Duration::from_secs(30 * 24 * 60 * 60),
        ..RetryPolicy::default()
    };
    let letters = StepDefinition { name: "letters", spread: Spread::Once, policy };
    Ok(Definition::new(WORKFLOW, 1, vec![letters])?.beside_the_others(NonZeroUsize::MIN))
}

/// The workflow with its code.
///
/// # Errors
/// See [`definition`].
pub(crate) fn workflow(letters: &Arc<Letters>) -> Result<Workflow, DefinitionError> {
    Ok(Workflow { definition: definition()?, steps: vec![Arc::clone(letters) as _] })
}
