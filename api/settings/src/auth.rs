//! `UNTXT_AUTH`: how callers are told from each other, and who is let in when
//! they are not.

use std::net::SocketAddr;
use std::time::Duration;

use crate::error::ConfigError;
use crate::server::{AuthSettings, JwtSettings};
use crate::values::Values;

/// Clocks that are further apart than this are to be set, not to be borne with.
const SKEW_SECONDS_MAX: u64 = 600;

pub(crate) fn auth(values: &Values<'_>) -> Result<AuthSettings, ConfigError> {
    let name = "UNTXT_AUTH";
    match values.text(name).as_deref() {
        None | Some("off") => Ok(AuthSettings::Off),
        Some("api-key") => Ok(AuthSettings::ApiKey),
        Some("jwt") => Ok(AuthSettings::Jwt(jwt(values)?)),
        Some(other) => Err(values.wrong(name, other.to_owned(), "it is `off`, `api-key` or `jwt`")),
    }
}

fn jwt(values: &Values<'_>) -> Result<JwtSettings, ConfigError> {
    let issuer = values.optional("UNTXT_JWT_ISSUER")?.ok_or_else(|| missing("UNTXT_JWT_ISSUER"))?;
    let audiences = values.text("UNTXT_JWT_AUDIENCE").ok_or_else(|| missing("UNTXT_JWT_AUDIENCE"))?;
    let audiences = audiences.split(',').map(|one| one.trim().to_owned()).filter(|one| !one.is_empty());
    let skew = values.parsed("UNTXT_JWT_SKEW_SECONDS", 60)?;
    if skew > SKEW_SECONDS_MAX {
        let reason = format!("it is at most {SKEW_SECONDS_MAX}");
        return Err(values.wrong("UNTXT_JWT_SKEW_SECONDS", skew.to_string(), &reason));
    }
    Ok(JwtSettings {
        issuer,
        audiences: audiences.collect(),
        skew: Duration::from_secs(skew),
        scope_claim: values.text("UNTXT_JWT_SCOPE_CLAIM").unwrap_or_else(|| "scope".to_owned()),
    })
}

/// Whom tokens are from and for is not to be guessed.
fn missing(name: &str) -> ConfigError {
    ConfigError::Together(format!(
        "UNTXT_AUTH=jwt needs UNTXT_JWT_ISSUER (the provider's https URL, as its tokens name it in `iss`) \
         and UNTXT_JWT_AUDIENCE (what they name in `aud`); {name} is not set"
    ))
}

/// While nobody is asked who they are, nobody from elsewhere is let in.
pub(crate) fn guarded(
    values: &Values<'_>,
    auth: &AuthSettings,
    listeners: &[(&'static str, SocketAddr)],
) -> Result<(), ConfigError> {
    let open = listeners.iter().find(|(_, address)| !address.ip().is_loopback());
    match open {
        Some((name, address)) if *auth == AuthSettings::Off => {
            let reason = "while UNTXT_AUTH is `off` only loopback addresses are listened on; \
                          have callers asked who they are with UNTXT_AUTH=api-key or jwt";
            Err(values.wrong(name, address.to_string(), reason))
        }
        _ => Ok(()),
    }
}
