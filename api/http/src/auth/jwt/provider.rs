//! The keys of a provider: fetched when the first token comes, kept, fetched
//! again beside the requests, and at once when a token names one that is new.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Header};
use metrics::gauge;
use serde::Deserialize;
use serde_json::Value;
use tracing::Instrument;
use untxt_settings::provider_url::{self, ProviderUrl};
use url::Url;

use super::super::AuthError;
use super::fetch;

/// For so long keys are used before they are fetched again.
pub(super) const FRESH_FOR: Duration = Duration::from_secs(5 * 60);

/// For so long keys are used while the provider is away: longer than most of its
/// tokens live, for it gives out no new ones meanwhile.
const KEPT_FOR: Duration = Duration::from_secs(60 * 60);

/// The provider is asked no more often than this, whatever tokens name.
pub(super) const ASKED_EVERY: Duration = Duration::from_secs(10);

/// Keys of a provider that are looked at.
const KEYS_MAX: usize = 100;

/// Where the provider says what it offers.
pub(super) fn discovery(issuer: &ProviderUrl) -> Result<Url, String> {
    provider_url::parse(&format!(
        "{}/.well-known/openid-configuration",
        issuer.as_str().trim_end_matches('/')
    ))
}

/// Why a provider can't be used.
#[derive(Clone, Debug, thiserror::Error)]
#[error("can't {wanted} {issuer}: {reason}; check UNTXT_JWT_ISSUER and that server")]
pub struct ProviderError {
    /// What was wanted, such as `get the signing keys of`.
    wanted: &'static str,
    /// Which provider.
    issuer: String,
    /// What its server, or the way there, says.
    reason: String,
}

impl ProviderError {
    pub(super) fn new(issuer: &ProviderUrl, wanted: &'static str, reason: String) -> Self {
        Self { wanted, issuer: issuer.to_string(), reason }
    }
}

/// What keys are wanted for.
const KEYS: &str = "get the signing keys of";

/// A key, and the algorithms it may be used with.
pub(super) struct Known {
    id: Option<String>,
    algorithms: Vec<Algorithm>,
    key: DecodingKey,
}

pub(super) struct Provider {
    issuer: ProviderUrl,
    held: Mutex<Held>,
    /// Held by who asks.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Held {
    keys: Option<(Arc<[Known]>, Instant)>,
    /// When the provider was asked last, and what was wrong then.
    asked: Option<(Instant, Option<ProviderError>)>,
}

impl Held {
    /// Whether the provider may be asked again.
    fn may_ask(&self) -> bool {
        self.asked.as_ref().is_none_or(|(at, _)| at.elapsed() >= ASKED_EVERY)
    }
}

impl Provider {
    pub(super) fn new(issuer: ProviderUrl) -> Self {
        Self { issuer, held: Mutex::default(), asking: tokio::sync::Mutex::default() }
    }

    /// The key that a token with this header has to be signed with.
    pub(super) async fn key(self: &Arc<Self>, header: &Header) -> Result<DecodingKey, AuthError> {
        if let Some((keys, age)) = self.kept()
            && let Some(key) = pick(&keys, header)
        {
            if age >= FRESH_FOR {
                self.refresh();
            }
            return Ok(key);
        }
        let keys = self.asked_for(header).await?;
        pick(&keys, header).ok_or_else(|| {
            let issuer = &self.issuer;
            AuthError::refused(format!("{issuer} has no key for this token (`kid` and `alg` in its header)"))
        })
    }

    /// The keys, from the provider unless somebody just asked it.
    async fn asked_for(&self, header: &Header) -> Result<Arc<[Known]>, ProviderError> {
        let _one_at_a_time = self.asking.lock().await;
        let kept = self.kept().map(|(keys, _)| keys);
        let found_meanwhile = kept.as_ref().is_some_and(|keys| pick(keys, header).is_some());
        if found_meanwhile || !self.held().may_ask() {
            return kept.map_or_else(|| Err(self.why_none()), Ok);
        }
        match self.ask().await {
            Ok(keys) => Ok(keys),
            Err(error) => kept.ok_or(error),
        }
    }

    /// Asks the provider, beside the request, unless somebody does.
    fn refresh(self: &Arc<Self>) {
        let provider = Arc::clone(self);
        let asking = async move {
            if let Ok(_alone) = provider.asking.try_lock()
                && provider.held().may_ask()
            {
                // What went wrong is kept, told by the gauge, and by the request
                // that finds no key any more.
                let _kept = provider.ask().await;
            }
        };
        tokio::spawn(asking.in_current_span());
    }

    async fn ask(&self) -> Result<Arc<[Known]>, ProviderError> {
        let answer = keys_of(&self.issuer).await.map(Arc::<[Known]>::from);
        gauge!("untxt_dependency_up", "dependency" => "provider").set(u8::from(answer.is_ok()));
        let now = Instant::now();
        let mut held = self.held();
        match &answer {
            Ok(keys) => held.keys = Some((Arc::clone(keys), now)),
            Err(error) => tracing::warn!(%error, "the identity provider does not answer"),
        }
        held.asked = Some((now, answer.as_ref().err().cloned()));
        answer
    }

    /// The keys and their age, as long as they may be used.
    fn kept(&self) -> Option<(Arc<[Known]>, Duration)> {
        let held = self.held();
        let (keys, at) = held.keys.as_ref()?;
        let age = at.elapsed();
        (age < KEPT_FOR).then(|| (Arc::clone(keys), age))
    }

    fn why_none(&self) -> ProviderError {
        let asked = self.held().asked.as_ref().and_then(|(_, error)| error.clone());
        asked.unwrap_or_else(|| ProviderError::new(&self.issuer, KEYS, "they are too old".to_owned()))
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The key that the header names; if it names none, the only one that goes with
/// its algorithm.
fn pick(keys: &[Known], header: &Header) -> Option<DecodingKey> {
    let mut fitting = keys.iter().filter(|known| {
        known.algorithms.contains(&header.alg) && (header.kid.is_none() || header.kid == known.id)
    });
    let first = fitting.next()?;
    fitting.next().is_none().then(|| first.key.clone())
}

#[derive(Deserialize)]
struct Discovered {
    issuer: String,
    jwks_uri: String,
}

#[derive(Deserialize)]
struct Published {
    keys: Vec<Value>,
}

/// What a provider signs with, by its own word.
pub(super) async fn keys_of(issuer: &ProviderUrl) -> Result<Vec<Known>, ProviderError> {
    let failed = |reason: String| ProviderError::new(issuer, KEYS, reason);
    let at = |url: &Url, reason: String| failed(format!("{url}: {reason}"));
    let url = discovery(issuer).map_err(&failed)?;
    let found: Discovered = fetch::json(&url).await.map_err(|reason| at(&url, reason))?;
    if found.issuer != issuer.as_str() {
        return Err(at(&url, format!("it says that it is {:?}, which has to be the same", found.issuer)));
    }
    let url = provider_url::parse(&found.jwks_uri)
        .map_err(|reason| failed(format!("jwks_uri {:?}: {reason}", found.jwks_uri)))?;
    let published: Published = fetch::json(&url).await.map_err(|reason| at(&url, reason))?;
    let keys: Vec<Known> = published.keys.into_iter().take(KEYS_MAX).filter_map(known).collect();
    if keys.is_empty() {
        return Err(at(&url, "none of its keys signs with RSA, P-256, P-384 or Ed25519".to_owned()));
    }
    Ok(keys)
}

/// What can be used of a published key; nothing of keys for something else, of
/// kinds that are not known, and of secrets that should not have been published.
fn known(published: Value) -> Option<Known> {
    let key: Jwk = serde_json::from_value(published).ok()?;
    if !matches!(key.common.public_key_use, None | Some(PublicKeyUse::Signature)) {
        return None;
    }
    let mut algorithms = match &key.algorithm {
        AlgorithmParameters::RSA(_) => vec![
            Algorithm::RS256,
            Algorithm::RS384,
            Algorithm::RS512,
            Algorithm::PS256,
            Algorithm::PS384,
            Algorithm::PS512,
        ],
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => vec![Algorithm::ES256],
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P384 => vec![Algorithm::ES384],
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            vec![Algorithm::EdDSA]
        }
        _ => return None,
    };
    if let Some(only) = key.common.key_algorithm {
        algorithms.retain(|algorithm| KeyAlgorithm::from(*algorithm) == only);
    }
    let decoding = DecodingKey::from_jwk(&key).ok()?;
    (!algorithms.is_empty()).then_some(Known { id: key.common.key_id, algorithms, key: decoding })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(keys: Value) -> Vec<Known> {
        let Value::Array(keys) = keys else { panic!("a list of keys") };
        keys.into_iter().filter_map(known).collect()
    }

    fn header(algorithm: Algorithm, id: Option<&str>) -> Header {
        Header { kid: id.map(str::to_owned), ..Header::new(algorithm) }
    }

    fn rsa(id: &str, more: &Value) -> Value {
        let mut key = json!({ "kty": "RSA", "kid": id, "n": "AQAB", "e": "AQAB" });
        key.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        key
    }

    #[test]
    fn keys_are_used_for_what_they_are_for() {
        let keys = of(json!([
            rsa("a", &json!({ "use": "sig", "alg": "RS256" })),
            rsa("encrypts", &json!({ "use": "enc" })),
            { "kty": "oct", "kid": "secret", "k": "AQAB" },
            { "kty": "EC", "crv": "P-521", "kid": "long", "x": "AQ", "y": "AQ" },
            { "kty": "EC", "crv": "P-256", "kid": "b", "x": "AQ", "y": "AQ" },
            { "kty": "something new", "kid": "c" },
            { "kty": "OKP", "crv": "Ed25519", "kid": "d", "x": "AQ" },
        ]));
        let ids: Vec<_> = keys.iter().map(|key| key.id.as_deref().unwrap()).collect();
        assert_eq!(ids, ["a", "b", "d"]);
        let found = |algorithm, id| pick(&keys, &header(algorithm, id)).is_some();
        assert!(
            found(Algorithm::RS256, Some("a")) && !found(Algorithm::PS256, Some("a")),
            "its own `alg` counts"
        );
        assert!(!found(Algorithm::HS256, Some("a")) && !found(Algorithm::HS256, Some("secret")));
        assert!(found(Algorithm::EdDSA, None), "the only one of its kind");
        assert!(!found(Algorithm::ES256, Some("a")) && !found(Algorithm::ES384, Some("b")));
    }

    #[test]
    fn of_two_keys_none_is_guessed() {
        let keys = of(json!([rsa("a", &json!({})), rsa("b", &json!({}))]));
        assert!(pick(&keys, &header(Algorithm::RS256, None)).is_none());
        assert!(pick(&keys, &header(Algorithm::RS256, Some("b"))).is_some());
    }

    #[test]
    fn the_discovery_document_lies_below_the_issuer() {
        let issuer: ProviderUrl = "https://id.example.com/realms/a/".parse().unwrap();
        let url = discovery(&issuer).unwrap();
        assert_eq!(url.as_str(), "https://id.example.com/realms/a/.well-known/openid-configuration");
    }
}
