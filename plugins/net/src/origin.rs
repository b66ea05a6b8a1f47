//! Scheme, host and port of a URL: what an operator grants and what is dialled.

use std::fmt;
use std::net::IpAddr;

use http::Uri;

/// A URL or an origin that can't be requested, with the reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidUrl(pub String);

/// The origin of a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Whether it is `https`.
    pub tls: bool,
    /// Name or IP address in lower case, an IPv6 address without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
}

impl Origin {
    /// Parses an origin as an operator writes it: `https://host`, `http://host:8000`.
    ///
    /// # Errors
    /// [`InvalidUrl`] if it has a path or a query, or for the reasons of
    /// [`Origin::of`].
    pub fn parse(text: &str) -> Result<Self, InvalidUrl> {
        let uri: Uri = text.parse().map_err(|error| InvalidUrl(format!("{text:?}: {error}")))?;
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(InvalidUrl(format!(
                "{text:?}: an origin is a scheme, a host and a port, without a path"
            )));
        }
        Self::of(&uri)
    }

    /// The origin of an absolute URI.
    ///
    /// # Errors
    /// [`InvalidUrl`] if the scheme is neither `http` nor `https`, if there is no
    /// host, or if there is a user or a password.
    pub fn of(uri: &Uri) -> Result<Self, InvalidUrl> {
        let tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(InvalidUrl(format!("{uri} is not an http or https URL"))),
        };
        let no_host = || InvalidUrl(format!("{uri} has no host"));
        let authority = uri.authority().ok_or_else(no_host)?;
        if authority.as_str().contains('@') {
            return Err(InvalidUrl("a URL must not contain a user or a password".to_owned()));
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        if host.is_empty() {
            return Err(no_host());
        }
        let port = authority.port_u16().unwrap_or(if tls { 443 } else { 80 });
        Ok(Self { tls, host, port })
    }

    /// The address, if the host is written as one.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// Host and port as the `Host` header names them: without the default port.
    #[must_use]
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        if self.port == if self.tls { 443 } else { 80 } { host } else { format!("{host}:{}", self.port) }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.tls { "https" } else { "http" }, self.authority())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(uri: &str) -> Result<String, InvalidUrl> {
        let uri = uri.parse().map_err(|_| InvalidUrl("no URI".to_owned()))?;
        Origin::of(&uri).map(|origin| origin.to_string())
    }

    #[test]
    fn an_origin_is_what_is_dialled() {
        assert_eq!(origin("https://API.example.com/v1?x"), Ok("https://api.example.com".to_owned()));
        assert_eq!(origin("http://[::1]:8000/"), Ok("http://[::1]:8000".to_owned()));
        assert_eq!(origin("http://a:80"), origin("http://a"));
        for wrong in ["ftp://a", "/path", "a", "http://user@a", "http://user:pw@a:80/"] {
            assert!(origin(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_host_header_has_brackets_and_no_default_port() {
        let authority = |text: &str| Origin::parse(text).unwrap().authority();
        assert_eq!(authority("https://[::1]:8443"), "[::1]:8443");
        assert_eq!(authority("https://id.example.com"), "id.example.com");
        assert_eq!(authority("http://id.example.com:443"), "id.example.com:443");
    }
}
