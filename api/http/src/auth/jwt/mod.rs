//! Tokens of an OpenID Connect provider: JSON Web Tokens (RFC 7519) that it
//! signs, and that are checked here without asking it. Its keys are looked up as
//! [OpenID Connect Discovery] says.
//!
//! In reading order: `signature` (who signed), `fetch` and `provider` (the keys),
//! `identity` (who that is, and what they may), `code_flow` (how a browser gets one).
//!
//! [OpenID Connect Discovery]: https://openid.net/specs/openid-connect-discovery-1_0.html

pub(crate) mod code_flow;
mod fetch;
mod identity;
mod provider;
mod signature;

use std::sync::Arc;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Header, TokenData, Validation};
use serde_json::Value;
use untxt_settings::server::JwtSettings;

use self::code_flow::CodeFlow;
use self::provider::Provider;
pub use self::provider::ProviderError;
use super::AuthError;
use super::principal::Principal;

/// Knows callers by the tokens of a provider.
pub(super) struct Jwt {
    settings: JwtSettings,
    provider: Arc<Provider>,
    /// How browsers sign in, if they can.
    pub(super) code_flow: Option<CodeFlow>,
}

impl Jwt {
    pub(super) fn new(settings: &JwtSettings) -> Self {
        signature::install();
        let provider = Arc::new(Provider::new(settings.issuer.clone()));
        let client = settings.browser_client.clone();
        let code_flow = client.map(|client| CodeFlow::new(client, settings.issuer.clone()));
        Self { settings: settings.clone(), provider, code_flow }
    }

    /// Whose token that is. It is somebody's until the token expires, by the
    /// skew later than it says.
    pub(super) async fn authenticate(&self, presented: &str) -> Result<Principal, AuthError> {
        let header = jsonwebtoken::decode_header(presented).map_err(|_| {
            AuthError::refused("that is no JSON Web Token with a signature that is known here")
        })?;
        no_extension(&header)?;
        let key = self.provider.key(&header).await?;
        let validation = self.validation(header.alg);
        let read: TokenData<Value> = jsonwebtoken::decode(presented, &key, &validation)
            .map_err(|error| AuthError::refused(self.reason(error.kind())))?;
        identity::caller(&read.claims, &self.settings)
    }

    fn validation(&self, algorithm: Algorithm) -> Validation {
        let mut validation = Validation::new(algorithm);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.set_issuer(&[self.settings.issuer.as_str()]);
        validation.set_audience(&self.settings.audiences);
        validation.leeway = self.settings.skew.as_secs();
        validation.validate_nbf = true;
        validation
    }

    /// What is wrong with a token, for its bearer.
    fn reason(&self, kind: &ErrorKind) -> String {
        let issuer = self.settings.issuer.as_str();
        match kind {
            ErrorKind::InvalidSignature => format!("the token is not signed by {issuer}"),
            ErrorKind::ExpiredSignature => "the token has expired".to_owned(),
            ErrorKind::ImmatureSignature => "the token is not valid yet".to_owned(),
            ErrorKind::InvalidIssuer => format!("the token's `iss` is not {issuer}"),
            ErrorKind::InvalidAudience => {
                format!("the token's `aud` does not hold {}", self.settings.audiences.join(" or "))
            }
            ErrorKind::MissingRequiredClaim(claim) => format!("the token has no `{claim}`"),
            _ => "the token can't be read".to_owned(),
        }
    }
}

/// Asks the provider for its keys, as the first token would, and where people sign in if
/// they can.
///
/// # Errors
/// Why there are none, or nobody can.
pub async fn check(settings: &JwtSettings) -> Result<usize, ProviderError> {
    if settings.browser_client.is_some() {
        code_flow::check(&settings.issuer).await?;
    }
    provider::keys_of(&settings.issuer).await.map(|keys| keys.len())
}

/// RFC 7515, 4.1.11: who does not understand what has to be understood refuses.
fn no_extension(header: &Header) -> Result<(), AuthError> {
    match &header.crit {
        Some(names) => {
            Err(AuthError::refused(format!("the token asks for extensions: {}", names.join(", "))))
        }
        None => Ok(()),
    }
}
