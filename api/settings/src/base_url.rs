//! Where a server is seen: a scheme, a host, and the path below which it lies.

use std::fmt;
use std::str::FromStr;

use url::{Host, Url};

/// Bytes of a host with its port: the longest name there may be is 253 long.
const AUTHORITY_BYTES_MAX: usize = 262;

/// Bytes of a prefix: it is repeated in every link.
const PREFIX_BYTES_MAX: usize = 256;

/// The scheme of plain HTTP.
pub const HTTP: &str = "http";
/// The scheme of HTTP over TLS.
pub const HTTPS: &str = "https";

/// A URL such as `https://ocr.example.com/scans`: no query, no fragment, no user,
/// and no slash at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    scheme: &'static str,
    authority: String,
    prefix: String,
}

impl BaseUrl {
    /// A URL of parts that [`authority`] and [`prefix`] have accepted.
    #[must_use]
    pub fn new(scheme: &'static str, authority: &str, prefix: &str) -> Self {
        let authority = authority.to_ascii_lowercase();
        Self { scheme, authority, prefix: prefix.to_owned() }
    }

    /// `http` or `https`.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        self.scheme
    }

    /// The host, with its port unless the scheme implies it.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The path below which everything lies: empty, or `/` and more.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Whether it is on this machine, by its name or address.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match Url::parse(&self.origin()).as_ref().map(Url::host) {
            Ok(Some(Host::Domain(name))) => name == "localhost" || name.ends_with(".localhost"),
            Ok(Some(Host::Ipv4(address))) => address.is_loopback(),
            Ok(Some(Host::Ipv6(address))) => address.is_loopback(),
            _ => false,
        }
    }

    /// As browsers name it in `Origin`.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("{}://{}", self.scheme, self.authority)
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority, self.prefix)
    }
}

impl FromStr for BaseUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let reason = "not a URL such as https://ocr.example.com or https://example.com/ocr, \
                      without a query, a fragment or a user";
        let url = Url::parse(text).map_err(|_| reason.to_owned())?;
        let scheme = match url.scheme() {
            HTTP => HTTP,
            HTTPS => HTTPS,
            _ => return Err(reason.to_owned()),
        };
        let plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
        let host = url.host_str().filter(|_| plain && url.password().is_none()).ok_or(reason)?;
        let authority = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        Ok(Self::new(scheme, &authority, &prefix(url.path()).ok_or(reason)?))
    }
}

/// A host with or without a port, of characters that may stand in a URL.
#[must_use]
pub fn authority(text: &str) -> Option<String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
    let fits = (1..=AUTHORITY_BYTES_MAX).contains(&text.len());
    (fits && text.chars().all(allowed)).then(|| text.to_owned())
}

/// A path without its last slashes, of characters that need no escape. Two
/// slashes at its beginning would make a host of what follows.
#[must_use]
pub fn prefix(text: &str) -> Option<String> {
    let path = text.trim_end_matches('/');
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._~/%".contains(c);
    let segments = |path: &str| path.split('/').skip(1).all(|part| !["", ".", ".."].contains(&part));
    let fits = path.starts_with('/') && segments(path) && path.chars().all(allowed);
    (path.is_empty() || (fits && path.len() <= PREFIX_BYTES_MAX)).then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_has_no_more_than_it_needs() {
        let read = |text: &str| text.parse::<BaseUrl>().map(|url| url.to_string());
        assert_eq!(read("https://OCR.example.com:443/").unwrap(), "https://ocr.example.com");
        assert_eq!(read("http://[::1]:8080/a/b/").unwrap(), "http://[::1]:8080/a/b");
        for wrong in
            ["ocr.example.com", "ftp://a", "https://a/?b", "https://a/#b", "https://u@a", "https://a//b", ""]
        {
            assert!(read(wrong).unwrap_err().contains("not a URL such as"), "{wrong}");
        }
    }
}
