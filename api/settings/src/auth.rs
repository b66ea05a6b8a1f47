//! `UNTXT_AUTH`: how callers are told from each other, and who is let in when
//! they are not.

use std::net::SocketAddr;
use std::time::Duration;

use crate::base_url::{BaseUrl, HTTPS};
use crate::error::ConfigError;
use crate::server::{AuthSettings, ClientSecret, JwtSettings, OidcClient};
use crate::values::Values;

/// Clocks that are further apart than this are to be set, not to be borne with.
const SKEW_SECONDS_MAX: u64 = 600;

pub(crate) fn auth(values: &Values<'_>) -> Result<AuthSettings, ConfigError> {
    let name = "UNTXT_AUTH";
    let mode = values.text(name);
    if mode.as_deref() != Some("jwt") {
        let of_jwt = ["UNTXT_OIDC_CLIENT_ID", "UNTXT_OIDC_CLIENT_SECRET", "UNTXT_OIDC_SCOPES"];
        alone(values, &of_jwt, "UNTXT_AUTH=jwt")?;
    }
    match mode.as_deref() {
        None | Some("off") => Ok(AuthSettings::Off),
        Some("api-key") => Ok(AuthSettings::ApiKey),
        Some("jwt") => Ok(AuthSettings::Jwt(Box::new(jwt(values)?))),
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
        browser_client: browser_client(values)?,
    })
}

/// The client that signs browsers in, if one is set.
fn browser_client(values: &Values<'_>) -> Result<Option<OidcClient>, ConfigError> {
    let Some(id) = values.text("UNTXT_OIDC_CLIENT_ID") else {
        return alone(values, &["UNTXT_OIDC_CLIENT_SECRET", "UNTXT_OIDC_SCOPES"], "UNTXT_OIDC_CLIENT_ID")
            .map(|()| None);
    };
    let public_url: BaseUrl = values.optional("UNTXT_PUBLIC_URL")?.ok_or_else(|| {
        ConfigError::Together(
            "UNTXT_OIDC_CLIENT_ID needs UNTXT_PUBLIC_URL, the URL to which the provider sends browsers back"
                .to_owned(),
        )
    })?;
    if public_url.scheme() != HTTPS && !public_url.is_loopback() {
        let reason = "with UNTXT_OIDC_CLIENT_ID it is an https URL (http is allowed for this machine only)";
        return Err(values.wrong("UNTXT_PUBLIC_URL", public_url.to_string(), reason));
    }
    Ok(Some(OidcClient {
        id,
        secret: values.text("UNTXT_OIDC_CLIENT_SECRET").map(ClientSecret::new),
        scopes: values.text("UNTXT_OIDC_SCOPES").unwrap_or_else(|| "openid".to_owned()),
        public_url,
    }))
}

/// Refuses settings that have no effect without another one.
fn alone(values: &Values<'_>, names: &[&str], needed: &str) -> Result<(), ConfigError> {
    match names.iter().find(|name| values.text(name).is_some()) {
        Some(name) => Err(ConfigError::Together(format!("{name} has no effect without {needed}"))),
        None => Ok(()),
    }
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
