//! How webhooks are configured.

use std::num::NonZeroU32;
use std::time::Duration;

use tokio::time::timeout;

use super::allowed::Allowed;
use super::signature::Secrets;
use super::target::Target;

/// How long the name of a host may take to be resolved while its user waits.
const RESOLVE_WITHIN: Duration = Duration::from_secs(2);

/// What webhooks need to know.
#[derive(Clone, Debug)]
pub struct WebhookSettings {
    /// What they are signed with; without any no task may ask for one.
    pub secrets: Secrets,
    /// Which addresses they may go to.
    pub allowed: Allowed,
    /// How often a delivery is tried before it is a dead letter.
    pub attempts: NonZeroU32,
}

impl Default for WebhookSettings {
    fn default() -> Self {
        let attempts = NonZeroU32::new(12).unwrap_or(NonZeroU32::MIN);
        Self { secrets: Secrets::default(), allowed: Allowed::default(), attempts }
    }
}

impl WebhookSettings {
    /// Looks at a URL while its user can be told what is wrong with it. A name
    /// that nobody knows now may be known when there is something to tell.
    ///
    /// # Errors
    /// What is wrong with it.
    pub async fn check(&self, url: &str) -> Result<(), String> {
        if self.secrets.is_empty() {
            return Err("this server has no UNTXT_WEBHOOK_SECRETS to sign it with".to_owned());
        }
        let target = Target::parse(url).map_err(|error| error.to_string())?;
        match timeout(RESOLVE_WITHIN, target.addresses(&self.allowed)).await {
            Ok(Err(error)) if !error.may_pass() => Err(error.to_string()),
            _ => Ok(()),
        }
    }
}
