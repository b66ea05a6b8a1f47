//! Resuming failed runs: how a run goes on, and the workflow that goes through many
//! dead letters.

mod actor;
mod options;

mod one;

pub mod bulk;
mod rate;

mod step;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use untxt_engine::retry::{Budgets, RetryPolicy};
use untxt_engine::state::RunState;
use untxt_engine::step::Step;
use untxt_engine::workflow::Workflow;

pub use actor::Actor;
pub use bulk::{TENANT, WORKFLOW};
pub use one::RedriveError;
pub(crate) use one::{check_step, discard, redrive};
pub use options::RedriveOptions;
pub(crate) use rate::{changed_rate, rate_row};
pub(crate) use step::Letters;

/// Name of its step.
const LETTERS: &str = "letters";

/// The workflow: one step that takes as long as there are letters and the rate allows,
/// and begins again as often as its workers die, because what it did is in the letters.
/// Without code it can be read and submitted to, but not run.
#[must_use]
pub(crate) fn workflow(code: Option<&Arc<Letters>>) -> Workflow {
    let policy = RetryPolicy {
        budgets: Budgets { transport: 1_000, throttle: 1_000, content: 2, lost_worker: 1_000 },
        timeout: Duration::from_secs(30 * 24 * 60 * 60),
        ..RetryPolicy::default()
    };
    let letters = code.map(|letters| Arc::clone(letters) as Arc<dyn Step>);
    Workflow::new(WORKFLOW, 1).step(LETTERS, policy, letters).dedicated_concurrency(NonZeroUsize::MIN)
}

/// How many letters a run of the workflow passed over; null until it has ended.
#[must_use]
pub fn passed_over(run: &RunState) -> Value {
    run.output_of(workflow(None).definition(), LETTERS)["passedOver"].clone()
}
