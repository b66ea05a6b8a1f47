//! From an origin to the addresses that may be dialled.

use std::net::SocketAddr;

use crate::error::HttpError;
use crate::origin::Origin;
use crate::policy::{AddressPolicy, Decision};

/// Resolves `origin` once and checks every address, without dialling one. With
/// `public_needs_tls` a public address is allowed over TLS only.
///
/// The caller bounds how long this may take: a resolver answers when it likes.
///
/// # Errors
/// [`HttpError::Unresolved`], [`HttpError::Refused`] if any of the addresses is
/// refused, [`HttpError::PlainText`].
pub async fn check(origin: &Origin, policy: &AddressPolicy, public_needs_tls: bool) -> Result<(), HttpError> {
    addresses(origin, policy, public_needs_tls).await.map(drop)
}

/// The checked addresses of `origin`, of which one is to be dialled: resolving
/// again could give others.
///
/// # Errors
/// As [`check`].
pub(crate) async fn addresses(
    origin: &Origin,
    policy: &AddressPolicy,
    public_needs_tls: bool,
) -> Result<Vec<SocketAddr>, HttpError> {
    let found = match origin.address() {
        Some(address) => vec![SocketAddr::new(address, origin.port)],
        None => lookup(origin).await?,
    };
    allowed(origin, found, policy, public_needs_tls)
}

async fn lookup(origin: &Origin) -> Result<Vec<SocketAddr>, HttpError> {
    let unresolved = |reason: String| HttpError::Unresolved { host: origin.host.clone(), reason };
    let found = tokio::net::lookup_host((origin.host.as_str(), origin.port)).await;
    let found: Vec<SocketAddr> = found.map_err(|error| unresolved(error.to_string()))?.collect();
    if found.is_empty() { Err(unresolved("the name has no address".to_owned())) } else { Ok(found) }
}

fn allowed(
    origin: &Origin,
    found: Vec<SocketAddr>,
    policy: &AddressPolicy,
    public_needs_tls: bool,
) -> Result<Vec<SocketAddr>, HttpError> {
    for address in found.iter().map(SocketAddr::ip) {
        let host = || origin.host.clone();
        match policy.check(address) {
            Decision::Refused => return Err(HttpError::Refused { host: host(), address }),
            Decision::Public if public_needs_tls && !origin.tls => {
                return Err(HttpError::PlainText { host: host() });
            }
            Decision::Public | Decision::Listed => {}
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(origin: &str, found: &[&str], policy: &AddressPolicy) -> Result<usize, HttpError> {
        let found = found.iter().map(|address| address.parse().unwrap()).collect();
        allowed(&Origin::parse(origin).unwrap(), found, policy, true).map(|allowed| allowed.len())
    }

    #[test]
    fn a_name_with_one_private_address_is_refused_wherever_that_stands() {
        for found in [["93.184.216.34:443", "10.0.0.1:443"], ["10.0.0.1:443", "93.184.216.34:443"]] {
            let error = result("https://two-faced.example", &found, &AddressPolicy::Public).unwrap_err();
            assert!(
                matches!(&error, HttpError::Refused { host, address }
                    if host == "two-faced.example" && address.to_string() == "10.0.0.1"),
                "{error:?}"
            );
        }
        let public = result("https://two-faced.example", &["93.184.216.34:443"], &AddressPolicy::Public);
        assert!(matches!(public, Ok(1)), "{public:?}");
    }

    #[test]
    fn a_public_address_can_be_required_to_speak_tls() {
        let (origin, found) = ("http://example.com", ["93.184.216.34:80"]);
        let refused = result(origin, &found, &AddressPolicy::Public).unwrap_err();
        assert!(matches!(&refused, HttpError::PlainText { host } if host == "example.com"), "{refused:?}");
        let listed = result(origin, &found, &"93.184.216.34".parse().unwrap());
        assert!(matches!(listed, Ok(1)), "{listed:?}");
        let plain = allowed(
            &Origin::parse(origin).unwrap(),
            vec![found[0].parse().unwrap()],
            &AddressPolicy::Public,
            false,
        );
        assert!(plain.is_ok(), "{plain:?}");
    }
}
