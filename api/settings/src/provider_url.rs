//! Where an identity provider is.

use std::fmt;
use std::str::FromStr;

use url::{Host, Url};

/// The URL of an identity provider, as its tokens name it in `iss`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderUrl(String);

impl ProviderUrl {
    /// As it was written, which is how tokens have to name it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ProviderUrl {
    type Err = String;

    /// `https`, or `http` on this machine; without a query.
    fn from_str(text: &str) -> Result<Self, String> {
        let url = parse(text)?;
        if url.query().is_some() {
            return Err("an issuer has no query".to_owned());
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for ProviderUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Parses a URL of a provider: `https`, or `http` on this machine.
///
/// # Errors
/// Why it can't be used, to be put behind its name.
pub fn parse(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("not a URL: {error}"))?;
    if url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
        return Err("it must hold no user, password or fragment".to_owned());
    }
    match (url.scheme(), url.host()) {
        ("https", Some(_)) => Ok(url),
        ("http", Some(host)) if is_loopback(&host) => Ok(url),
        _ => Err("not an https URL (http is allowed for this machine only)".to_owned()),
    }
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_named_as_it_names_itself() {
        let issuer: ProviderUrl = "https://id.example.com/realms/a/".parse().unwrap();
        assert_eq!(issuer.as_str(), "https://id.example.com/realms/a/");
        assert!("https://id.example.com/?a=b".parse::<ProviderUrl>().is_err());
    }

    #[test]
    fn plain_http_is_for_this_machine_only() {
        for url in [
            "https://id.example.com/realms/a",
            "http://127.0.0.1:8080",
            "http://[::1]/",
            "http://localhost/x",
        ] {
            assert!(parse(url).is_ok(), "{url}");
        }
        for url in [
            "http://id.example.com",
            "http://10.0.0.1/",
            "ftp://localhost/",
            "id.example.com",
            "https://a@b/",
            "https://b/#c",
        ] {
            assert!(parse(url).is_err(), "{url}");
        }
    }
}
