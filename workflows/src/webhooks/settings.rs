//! How webhooks are configured.

use std::num::NonZeroU32;
use std::time::Duration;

use tokio::time::timeout;
use untxt_net::{AddressPolicy, HttpError};

use super::signature::Secrets;
use super::target::{Target, message_for_tenant};

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
