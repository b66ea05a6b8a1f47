//! Telling a user's own server how a task ended: a workflow of its own, whose
//! runs begin in the transaction that ends the task. It knows nothing of tasks
//! but what it is given to tell.
//!
//! In reading order: [`signature`], `settings`, [`delivery`] (what is sent) and the step.
//! Requests are made by `untxt_net`, which checks addresses.

pub mod signature;

mod settings;

pub mod delivery;

mod step;

use std::num::NonZeroUsize;
use std::time::Duration;

use untxt_engine::retry::{Budgets, RetryPolicy};
use untxt_engine::state::RunState;
use untxt_engine::workflow::Workflow;

use crate::trace::Traced;
use delivery::Delivery;
use step::Deliver;

pub use delivery::WORKFLOW;
pub use settings::WebhookSettings;

/// Deliveries a worker makes at once. Most of the time they wait for somebody
/// else's server, for as long as it likes within [`step::TIMEOUT`].
const AT_ONCE: NonZeroUsize = NonZeroUsize::new(16).unwrap();

/// The workflow: one step, retried with waits that grow from a second to six hours.
/// Its code works with `settings`; without code it can be read and submitted to, but
/// not run.
#[must_use]
pub(crate) fn workflow(settings: &WebhookSettings, with_code: bool) -> Workflow {
    let retries = settings.attempts.get() - 1;
    let policy = RetryPolicy {
        initial: Duration::from_secs(1),
        factor: 4.0,
        cap: Duration::from_secs(6 * 60 * 60),
        budgets: Budgets { transport: retries, throttle: retries, content: retries, lost_worker: 20 },
        timeout: step::TIMEOUT * 3,
        ..RetryPolicy::default()
    };
    let parent = |run: &RunState| Delivery::of(run).ok()?.trace;
    let deliver = with_code.then(|| Traced { parent, step: Deliver(settings.clone()) });
    Workflow::new(WORKFLOW, 1).step("deliver", policy, deliver).dedicated_concurrency(AT_ONCE)
}
