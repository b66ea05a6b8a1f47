//! Telling a user's own server how a task ended: a workflow of its own, whose
//! runs begin in the transaction that ends the task. It knows nothing of tasks
//! but what it is given to tell.
//!
//! In reading order: [`allowed`] (which addresses), [`target`] (which URLs),
//! [`signature`], `settings`, [`delivery`] (what is sent), `post` (the request)
//! and the step.

pub mod allowed;

pub mod target;

pub mod signature;

pub mod delivery;

mod settings;

mod post;
mod step;

use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::time::Duration;

use untxt_engine::definition::{Definition, DefinitionError, Spread, StepDefinition};
use untxt_engine::retry::{Budgets, RetryPolicy};
use untxt_engine::state::RunState;
use untxt_engine::workflow::Workflow;

use crate::trace::Traced;
use delivery::Delivery;
use step::Deliver;

pub use delivery::WORKFLOW;
pub use settings::WebhookSettings;

/// Deliveries a worker makes at once. Most of the time they wait for somebody
/// else's server, for as long as it likes within [`post::PATIENCE`].
const AT_ONCE: NonZeroUsize = NonZeroUsize::new(16).unwrap();

/// One step, tried with waits that grow from a second to six hours.
///
/// # Errors
/// Never for the step below; the engine checks every definition alike.
pub fn definition(attempts: NonZeroU32) -> Result<Definition, DefinitionError> {
    let retries = attempts.get() - 1;
    let policy = RetryPolicy {
        initial: Duration::from_secs(1),
        factor: 4.0,
        cap: Duration::from_secs(6 * 60 * 60),
        budgets: Budgets { transport: retries, throttle: retries, content: retries, lost_worker: 20 },
        timeout: post::PATIENCE * 3,
        ..RetryPolicy::default()
    };
    let deliver = StepDefinition { name: "deliver", spread: Spread::Once, policy };
    Ok(Definition::new(WORKFLOW, 1, vec![deliver])?.beside_the_others(AT_ONCE))
}

/// The workflow with its code.
///
/// # Errors
/// See [`definition`].
pub(crate) fn workflow(settings: &WebhookSettings) -> Result<Workflow, DefinitionError> {
    let parent = |run: &RunState| Delivery::of(run).ok()?.trace;
    let step = Arc::new(Deliver(settings.clone()));
    let step = Traced { name: "webhook.deliver", parent, step };
    Ok(Workflow { definition: definition(settings.attempts)?, steps: vec![Arc::new(step)] })
}
