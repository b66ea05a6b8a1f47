//! Settings of the HTTP server.

use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use ipnet::IpNet;

use crate::base_url::BaseUrl;
use crate::provider_url::ProviderUrl;

/// What a server needs to know beside the platform.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// How callers are authenticated.
    pub auth: AuthSettings,
    /// Failed authentications a minute from one address; no limit when absent.
    pub auth_failures_per_minute: Option<NonZeroU32>,
    /// How many connections may stay open.
    pub connections: ConnectionLimits,
    /// How long clients may take.
    pub timeouts: ClientTimeouts,
    /// Sites whose pages may call this server, beside its own.
    pub cors_origins: Vec<String>,
    /// Where clients see this server.
    pub site: SiteSettings,
}

/// How callers are authenticated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthSettings {
    /// They are not.
    Off,
    /// By keys that this product gives out.
    ApiKey,
    /// By tokens of an identity provider.
    Jwt(Box<JwtSettings>),
}

/// Whose tokens are accepted, and how they are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JwtSettings {
    /// The provider, as its tokens name it in `iss`.
    pub issuer: ProviderUrl,
    /// Whom a token has to be for: one of these in `aud`.
    pub audiences: Vec<String>,
    /// How far the provider's clock may be from this machine's.
    pub skew: Duration,
    /// The claim that says what its bearer may do: a name, or a JSON pointer
    /// (RFC 6901) into the token's claims.
    pub scope_claim: String,
    /// How browsers sign in at the provider; they can't when absent.
    pub browser_client: Option<OidcClient>,
}

/// This server as the provider knows it, for sign-in with a browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OidcClient {
    /// Its id.
    pub id: String,
    /// Its secret, unless it is a public client.
    pub secret: Option<ClientSecret>,
    /// The scopes that are asked for, separated by spaces.
    pub scopes: String,
    /// Where browsers see this server.
    pub public_url: BaseUrl,
}

impl OidcClient {
    /// Where the provider sends browsers back to (`redirect_uri`).
    #[must_use]
    pub fn redirect(&self) -> String {
        format!("{}/auth/callback", self.public_url)
    }
}

/// The secret of a client, which is not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientSecret(String);

impl ClientSecret {
    /// The secret `text`.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The secret itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecret(…)")
    }
}

/// How many WebSockets and event streams may be open at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// For one user.
    pub per_user: usize,
    /// In this process.
    pub in_all: usize,
}

/// How long clients may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientTimeouts {
    /// For the head of a request, for 16 KiB of its body, and to accept a piece of
    /// what they are sent.
    pub client: Duration,
    /// How often the client of a WebSocket is pinged; it has as long to answer.
    pub ping_every: Duration,
}

impl Default for ClientTimeouts {
    fn default() -> Self {
        Self { client: Duration::from_secs(30), ping_every: Duration::from_secs(30) }
    }
}

/// What an operator says about the way from clients to this server.
#[derive(Clone, Debug, Default)]
pub struct SiteSettings {
    /// Where clients see this server, whatever a request says.
    pub public_url: Option<BaseUrl>,
    /// Proxies whose `X-Forwarded-…` headers count.
    pub trusted_proxies: Vec<IpNet>,
}

impl SiteSettings {
    /// Whether `address` is one of the trusted proxies.
    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|net| net.contains(&address))
    }
}
