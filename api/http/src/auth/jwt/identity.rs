//! From what a token says to who that is here, and what they may.

use serde_json::Value;
use untxt_engine::time::Timestamp;
use untxt_settings::server::JwtSettings;
use uuid::Uuid;

use super::super::AuthError;
use super::super::principal::{Principal, Scope, Scopes};

/// What a word has to begin with to be a scope of this product. The same token
/// may be for others too, with words of theirs.
const PREFIX: &str = "untxt:";

/// Bytes of a `sub`. OpenID Connect Core, 2: at most 255.
const SUBJECT_BYTES_MAX: usize = 255;

/// Claims with a name for people (OpenID Connect Core, 5.1), the best first.
const LABELS: [&str; 3] = ["preferred_username", "name", "email"];

/// The caller whom checked claims name.
pub(super) fn caller(claims: &Value, settings: &JwtSettings) -> Result<Principal, AuthError> {
    let subject = claims["sub"].as_str().filter(|subject| !subject.is_empty());
    let subject = subject.filter(|subject| subject.len() <= SUBJECT_BYTES_MAX).ok_or_else(|| {
        AuthError::refused(format!("the token's `sub` is no text of 1 to {SUBJECT_BYTES_MAX} bytes"))
    })?;
    let scopes = claim(claims, &settings.scope_claim).map(scopes).unwrap_or_default();
    let user = user(settings.issuer.as_str(), subject);
    let label = LABELS.iter().find_map(|name| claims[*name].as_str());
    Ok(Principal::user(&format!("sub:{subject}"), user, scopes)
        .labelled(label)
        .expiring_at(end(claims, settings)))
}

/// When the token ends here.
fn end(claims: &Value, settings: &JwtSettings) -> Option<Timestamp> {
    let expires = claims["exp"].as_u64().or_else(|| claims["exp"].as_f64().map(|seconds| seconds as u64))?;
    let seconds = expires.saturating_add(settings.skew.as_secs());
    Some(Timestamp(i64::try_from(seconds.saturating_mul(1_000)).unwrap_or(i64::MAX)))
}

/// The subject if that is a UUID; otherwise the UUID (version 5, in the
/// namespace of URLs) of the issuer, `#`, and the subject.
fn user(issuer: &str, subject: &str) -> Uuid {
    let named = || Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("{issuer}#{subject}").as_bytes());
    subject.parse().unwrap_or_else(|_| named())
}

fn claim<'a>(claims: &'a Value, name: &str) -> Option<&'a Value> {
    if name.starts_with('/') { claims.pointer(name) } else { claims.get(name) }
}

/// Words in one text (RFC 8693, 4.2), or a list of them. What is none of this
/// product's is for somebody else.
fn scopes(said: &Value) -> Scopes {
    let words: Vec<&str> = match said {
        Value::String(text) => text.split(' ').collect(),
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    words.into_iter().filter_map(|word| word.strip_prefix(PREFIX).and_then(Scope::parse)).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    fn settings(scope_claim: &str) -> JwtSettings {
        JwtSettings {
            issuer: "https://id.example.com".parse().unwrap(),
            audiences: vec!["untxt".to_owned()],
            skew: Duration::from_secs(60),
            scope_claim: scope_claim.to_owned(),
            browser_client: None,
        }
    }

    #[test]
    fn scopes_stand_where_the_provider_puts_them() {
        let allowed = |claims: Value, claim: &str| {
            let caller = caller(&claims, &settings(claim)).unwrap();
            Scope::ALL
                .into_iter()
                .filter(|scope| caller.may(*scope).is_ok())
                .map(Scope::as_str)
                .collect::<Vec<_>>()
        };
        let text = json!({ "sub": "ann", "scope": "openid untxt:read admin untxt:all untxt:submit" });
        assert_eq!(allowed(text, "scope"), ["submit", "read"]);
        let list = json!({ "sub": "ann", "permissions": ["untxt:operate", 7] });
        assert_eq!(allowed(list, "permissions"), ["submit", "read", "operate"]);
        let deep = json!({ "sub": "ann", "realm_access": { "roles": ["untxt:read"] } });
        assert_eq!(allowed(deep.clone(), "/realm_access/roles"), ["read"]);
        assert_eq!(allowed(deep, "scope"), [""; 0]);
        let named = json!({ "sub": "ann", "https://example.com/roles": ["untxt:admin"] });
        assert_eq!(allowed(named, "https://example.com/roles").len(), 4);
    }

    #[test]
    fn a_subject_is_always_the_same_user_and_no_other_providers() {
        let id = "0190a6e2-7c1e-7000-8000-000000000001";
        assert_eq!(user("https://a.example", id).to_string(), id);
        let ann = user("https://a.example", "ann");
        assert_eq!(ann, user("https://a.example", "ann"));
        assert!(ann != user("https://b.example", "ann") && ann != user("https://a.example", "bob"));
        for claims in
            [json!({}), json!({ "sub": "" }), json!({ "sub": 7 }), json!({ "sub": "a".repeat(256) })]
        {
            assert!(caller(&claims, &settings("scope")).is_err(), "{claims}");
        }
    }

    #[test]
    fn a_token_ends_by_the_skew_later_than_it_says() {
        let at = |exp: Value| end(&json!({ "exp": exp }), &settings("scope"));
        assert_eq!(at(json!(1_000)), Some(Timestamp(1_060_000)));
        assert_eq!(at(json!(1_000.9)), Some(Timestamp(1_060_000)));
        assert_eq!(at(json!(u64::MAX)), Some(Timestamp(i64::MAX)));
    }
}
