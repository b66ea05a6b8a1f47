//! Sign-in at the provider: the authorization code flow (RFC 6749, 4.1) with PKCE
//! (RFC 7636), done by this server, so that no token reaches the browser.
//!
//! The browser holds one secret in a cookie from which `state` and the code verifier are
//! made. So only the browser that began can finish, through any process, and nothing is
//! kept here for those who don't.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::sync::{Mutex, Semaphore};
use tokio::time::timeout;
use untxt_settings::provider_url::{self, ProviderUrl};
use untxt_settings::server::{ClientSecret, OidcClient};
use url::{Url, form_urlencoded};

use super::super::AuthError;
use super::fetch;
use super::provider::{ASKED_EVERY, FRESH_FOR, ProviderError, discovery};

/// How long somebody may take at the provider.
pub(crate) const SIGN_IN_WITHIN: Duration = Duration::from_secs(10 * 60);

/// Codes that are exchanged at once: each is one request to the provider, and anybody may
/// make one up.
const EXCHANGES_MAX: usize = 8;

/// How long one waits for its turn: about as long as those before it may take.
const EXCHANGE_BEGINS_WITHIN: Duration = Duration::from_secs(5);

/// Bytes of the part of an address behind `#` to which somebody returns.
const RETURN_BYTES_MAX: usize = 1_024;

/// Signs people in at a provider.
pub(crate) struct CodeFlow {
    client: OidcClient,
    issuer: ProviderUrl,
    /// What discovery said, and when.
    discovered: Mutex<Option<(Instant, Result<Endpoints, ProviderError>)>>,
    exchanges: Semaphore,
}

/// What a browser keeps while its user is at the provider.
pub(crate) struct Begun {
    secret: String,
    /// Where its user returns to, from `#` on; empty for the first screen.
    pub(crate) return_to: String,
}

#[derive(Clone)]
struct Endpoints {
    authorization: Url,
    token: Url,
    /// The secret is sent in the body instead of the `Authorization` header.
    secret_in_body: bool,
}

#[derive(Deserialize)]
struct Discovered {
    issuer: String,
    authorization_endpoint: Option<String>,
    token_endpoint: Option<String>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
}

impl Begun {
    /// A new one, from which its user returns to `return_to` if that is a place in the
    /// console.
    pub(crate) fn new(return_to: &str) -> Self {
        let is_place = return_to.starts_with('#') && return_to.bytes().all(|byte| byte.is_ascii_graphic());
        let return_to = if is_place && return_to.len() <= RETURN_BYTES_MAX { return_to } else { "" };
        Self { secret: hex::encode(rand::random::<[u8; 32]>()), return_to: return_to.to_owned() }
    }

    /// Reads a cookie.
    pub(crate) fn parse(cookie: &str) -> Option<Self> {
        let (secret, return_to) = cookie.split_once('.')?;
        let return_to = String::from_utf8(hex::decode(return_to).ok()?).ok()?;
        (secret.len() == 64).then(|| Self { secret: secret.to_owned(), ..Self::new(&return_to) })
    }

    /// As it is kept in a cookie.
    pub(crate) fn cookie(&self) -> String {
        format!("{}.{}", self.secret, hex::encode(&self.return_to))
    }

    /// Whether the provider answers what this browser began.
    pub(crate) fn is_answered_by(&self, state: &str) -> bool {
        self.state().as_bytes().ct_eq(state.as_bytes()).into()
    }

    fn state(&self) -> String {
        self.derived("state")
    }

    fn verifier(&self) -> String {
        self.derived("verifier")
    }

    /// Tells nothing of the secret or of what else is made from it.
    fn derived(&self, purpose: &str) -> String {
        hex::encode(Sha256::digest(format!("{purpose}:{}", self.secret)))
    }
}

impl CodeFlow {
    pub(super) fn new(client: OidcClient, issuer: ProviderUrl) -> Self {
        Self { client, issuer, discovered: Mutex::default(), exchanges: Semaphore::new(EXCHANGES_MAX) }
    }

    /// Where the browser goes to sign in.
    ///
    /// # Errors
    /// When the provider does not say where that is.
    pub(crate) async fn address(&self, begun: &Begun) -> Result<Url, ProviderError> {
        let mut url = self.endpoints().await?.authorization;
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.client.id)
            .append_pair("redirect_uri", &self.client.redirect())
            .append_pair("scope", &self.client.scopes)
            .append_pair("state", &begun.state())
            .append_pair("code_challenge", &URL_SAFE_NO_PAD.encode(Sha256::digest(begun.verifier())))
            .append_pair("code_challenge_method", "S256");
        Ok(url)
    }

    /// The access token for `code`, which the provider gives once.
    ///
    /// # Errors
    /// [`AuthError::Refused`] when the provider does not take the code,
    /// [`AuthError::Provider`].
    pub(crate) async fn token(&self, begun: &Begun, code: &str) -> Result<String, AuthError> {
        let endpoints = self.endpoints().await?;
        let away = |reason: String| self.failed(&endpoints.token, &reason);
        let permit = timeout(EXCHANGE_BEGINS_WITHIN, self.exchanges.acquire()).await;
        let _permit = permit.map_err(|_| away("too many sign-ins at once".to_owned()))?;
        let (form, authorization) = self.form(begun, code, &endpoints);
        let answer = fetch::post_form(&endpoints.token, form, authorization).await.map_err(away)?;
        if answer.status().is_client_error() {
            let status = answer.status();
            return Err(AuthError::refused(format!(
                "{} answered {status} to the sign-in code",
                endpoints.token
            )));
        }
        if !answer.status().is_success() {
            return Err(away(format!("it answered {}", answer.status())).into());
        }
        let granted: Granted = serde_json::from_slice(answer.body())
            .map_err(|_| away("its answer holds no `access_token`".to_owned()))?;
        Ok(granted.access_token)
    }

    /// The form that asks for a token, and the header that goes with it.
    fn form(&self, begun: &Begun, code: &str, endpoints: &Endpoints) -> (String, Option<String>) {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code")
            .append_pair("code", code)
            .append_pair("redirect_uri", &self.client.redirect())
            .append_pair("client_id", &self.client.id)
            .append_pair("code_verifier", &begun.verifier());
        let secret = self.client.secret.as_ref().map(ClientSecret::reveal);
        if let Some(secret) = secret.filter(|_| endpoints.secret_in_body) {
            form.append_pair("client_secret", secret);
        }
        let in_header = secret.filter(|_| !endpoints.secret_in_body);
        (form.finish(), in_header.map(|secret| basic(&self.client.id, secret)))
    }

    /// What discovery says, or said a short time ago.
    async fn endpoints(&self) -> Result<Endpoints, ProviderError> {
        let mut discovered = self.discovered.lock().await;
        if let Some((at, said)) = discovered.as_ref() {
            let believed = if said.is_ok() { FRESH_FOR } else { ASKED_EVERY };
            if at.elapsed() < believed {
                return said.clone();
            }
        }
        let said = endpoints_of(&self.issuer).await;
        *discovered = Some((Instant::now(), said.clone()));
        said
    }

    fn failed(&self, url: &Url, reason: &str) -> ProviderError {
        ProviderError::new(&self.issuer, "complete a sign-in at", format!("{url}: {reason}"))
    }
}

/// Where a provider signs people in, by its own word.
///
/// # Errors
/// Why that can't be had.
async fn endpoints_of(issuer: &ProviderUrl) -> Result<Endpoints, ProviderError> {
    let failed = |reason: String| ProviderError::new(issuer, "find where to sign in at", reason);
    let url = discovery(issuer).map_err(&failed)?;
    let found: Discovered = fetch::json(&url).await.map_err(|reason| failed(format!("{url}: {reason}")))?;
    if found.issuer != issuer.as_str() {
        let reason = format!("{url}: it says that it is {:?}, which has to be the same", found.issuer);
        return Err(failed(reason));
    }
    let endpoint = |name: &str, said: Option<String>| {
        let said = said.ok_or_else(|| failed(format!("{url}: there is no {name}")))?;
        provider_url::parse(&said).map_err(|reason| failed(format!("{name} {said:?}: {reason}")))
    };
    let methods = found.token_endpoint_auth_methods_supported;
    Ok(Endpoints {
        authorization: endpoint("authorization_endpoint", found.authorization_endpoint)?,
        token: endpoint("token_endpoint", found.token_endpoint)?,
        // OpenID Connect Discovery, 3: the header unless something else is said.
        secret_in_body: methods
            .is_some_and(|methods| !methods.iter().any(|name| name == "client_secret_basic")),
    })
}

/// Asks the provider where people sign in, as the first sign-in would.
///
/// # Errors
/// Why nobody can.
pub(super) async fn check(issuer: &ProviderUrl) -> Result<(), ProviderError> {
    endpoints_of(issuer).await.map(drop)
}

/// RFC 6749, 2.3.1.
fn basic(id: &str, secret: &str) -> String {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    format!("Basic {}", STANDARD.encode(format!("{}:{}", encoded(id), encoded(secret))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_alone_makes_state_and_verifier_which_tell_nothing_of_each_other() {
        let begun = Begun::new("#/letters?code=A");
        let read = Begun::parse(&begun.cookie()).unwrap();
        assert!(read.is_answered_by(&begun.state()) && read.verifier() == begun.verifier());
        assert_eq!(read.return_to, "#/letters?code=A");
        assert!(!Begun::new("").is_answered_by(&begun.state()));
        assert_ne!(begun.state(), begun.verifier());
        // RFC 7636, 4.1.
        assert!((43..=128).contains(&begun.verifier().len()));
        for wrong in ["", ".", "abc.", &"0".repeat(64), &format!("{}.zz", "0".repeat(64))] {
            assert!(Begun::parse(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn somebody_returns_to_the_console_and_to_nowhere_else() {
        let long = format!("#{}", "a".repeat(RETURN_BYTES_MAX));
        for wrong in ["//evil.example", "https://evil.example", "/x", "#a b", "#a\r\nb", "#é", long.as_str()]
        {
            assert_eq!(Begun::new(wrong).return_to, "", "{wrong}");
        }
    }

    #[test]
    fn id_and_secret_are_encoded_before_they_are_joined() {
        let text = basic("a:b", "c d%").strip_prefix("Basic ").map(|text| STANDARD.decode(text).unwrap());
        assert_eq!(text.unwrap(), b"a%3Ab:c+d%25");
    }
}
