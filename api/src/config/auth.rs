//! `UNTXT_AUTH`: how callers are told from each other, and who is let in when
//! they are not.

use std::net::SocketAddr;

use super::{ConfigError, Values};
use crate::auth::AuthSettings;

pub(super) fn auth(values: &Values<'_>) -> Result<AuthSettings, ConfigError> {
    let name = "UNTXT_AUTH";
    match values.text(name).as_deref() {
        None | Some("off") => Ok(AuthSettings::Off),
        Some("api-key") => Ok(AuthSettings::ApiKey),
        Some(other) => Err(values.wrong(name, other.to_owned(), "it is `off` or `api-key`")),
    }
}

/// While nobody is asked who they are, nobody from elsewhere is let in.
pub(super) fn guarded(
    values: &Values<'_>,
    auth: &AuthSettings,
    listeners: &[(&'static str, SocketAddr)],
) -> Result<(), ConfigError> {
    let open = listeners.iter().find(|(_, address)| !address.ip().is_loopback());
    match open {
        Some((name, address)) if *auth == AuthSettings::Off => {
            let reason = "while UNTXT_AUTH is `off` only loopback addresses are listened on; \
                          have callers asked who they are with UNTXT_AUTH=api-key";
            Err(values.wrong(name, address.to_string(), reason))
        }
        _ => Ok(()),
    }
}
