//! Telling a user's own server how a task ended: a workflow of its own, whose
//! runs begin in the transaction that ends the task. It knows nothing of tasks
//! but what it is given to tell.
//!
//! In reading order: `target` (which URLs), [`signature`], [`delivery`] (what is
//! sent) and the step. Requests are made by `untxt_net`, which checks addresses.

mod target;

pub mod signature;

pub mod delivery;

mod step;

use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use tokio::time::timeout;
use untxt_engine::retry::{Budgets, RetryPolicy};
use untxt_engine::state::RunState;
use untxt_engine::workflow::Workflow;
use untxt_net::{AddressPolicy, HttpError};

use crate::trace::Traced;
use delivery::Delivery;
use signature::Secrets;
use step::Deliver;
use target::{Target, message_for_tenant};

/// Name of the workflow, and of its queue.
pub const WORKFLOW: &str = "webhook";

/// Deliveries a worker makes at once. Most of the time they wait for somebody
/// else's server, for as long as it likes within [`step::TIMEOUT`].
const AT_ONCE: NonZeroUsize = NonZeroUsize::new(16).unwrap();

/// How long the name of a host may take to be resolved while its user waits.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(2);

/// What webhooks need to know.
#[derive(Clone, Debug)]
pub struct WebhookSettings {
    /// What they are signed with; without any no task may ask for one.
    pub secrets: Secrets,
    /// Which addresses they may go to.
    pub addresses: AddressPolicy,
    /// How often a delivery is tried before it is a dead letter.
    pub attempts: NonZeroU32,
}

impl Default for WebhookSettings {
    fn default() -> Self {
        let attempts = NonZeroU32::new(12).unwrap_or(NonZeroU32::MIN);
        Self { secrets: Secrets::default(), addresses: AddressPolicy::default(), attempts }
    }
}

impl WebhookSettings {
    /// Checks a URL while its user can still be told what is wrong with it. A name
    /// that can't be resolved now is accepted: it may resolve when the task ends.
    ///
    /// # Errors
    /// The reason, for the user.
    pub async fn check(&self, url: &str) -> Result<(), String> {
        if self.secrets.is_empty() {
            return Err("this server has no UNTXT_WEBHOOK_SECRETS to sign it with".to_owned());
        }
        match timeout(RESOLVE_TIMEOUT, Target::parse(url)?.check(&self.addresses)).await {
            Err(_) | Ok(Ok(()) | Err(HttpError::Unresolved { .. })) => Ok(()),
            Ok(Err(error)) => Err(message_for_tenant(&error)),
        }
    }
}

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
