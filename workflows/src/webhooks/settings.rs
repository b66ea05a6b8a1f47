//! How webhooks are configured.

use std::num::NonZeroU32;

use untxt_net::AddressPolicy;

use super::signature::Secrets;
use crate::user_url::UserUrl;

/// The setting that lists the private addresses that webhooks may reach.
pub(super) const ALLOW_PRIVATE: &str = "UNTXT_WEBHOOK_ALLOW_PRIVATE";

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
        UserUrl::parse(url)?.check_for_user(&self.addresses, ALLOW_PRIVATE).await
    }
}
