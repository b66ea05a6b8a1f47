//! The workflow that goes through many dead letters: its name and its step.

use std::num::NonZeroUsize;
use std::time::Duration;

use untxt_engine::definition::{Definition, DefinitionError, Spread, StepDefinition};
use untxt_engine::retry::{Budgets, RetryPolicy};

/// Name of the workflow that goes through many letters, and of its queue.
pub const WORKFLOW: &str = "redrive";

/// Whose the runs of the workflow are.
pub const TENANT: &str = "operators";

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
