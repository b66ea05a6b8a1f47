//! Where a webhook goes: a URL that a user wrote, and the addresses behind it.

use std::net::{IpAddr, SocketAddr};

use url::{Host, Url};

use super::allowed::{Allowed, Standing};

/// Bytes of a URL.
pub const URL_BYTES_MAX: usize = 2_048;

/// Why a webhook does not go there. Texts name the host, never the rest of the
/// URL, which may hold what only its owner should know.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// It is no URL that can be called.
    #[error("{0}")]
    Url(String),
    /// Its address is none to be called.
    ///
    /// Which one that is, only the log says: tenants are not to learn what names
    /// mean inside of the operator's network.
    #[error(
        "the address of {host} is not public; the server's UNTXT_WEBHOOK_ALLOW_PRIVATE lists what is allowed beside"
    )]
    Refused {
        /// As the URL names it.
        host: String,
        /// What that is.
        address: IpAddr,
    },
    /// Public addresses are called over TLS only.
    #[error("{host} is public; use https")]
    Plain {
        /// As the URL names it.
        host: String,
    },
    /// Nobody knows the name now.
    #[error("the name {host} can't be resolved: {reason}")]
    Unresolved {
        /// The name.
        host: String,
        /// What the resolver says.
        reason: String,
    },
}

impl TargetError {
    /// Whether the same may be asked again.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Unresolved { .. })
    }
}

/// A URL that can be called.
#[derive(Clone, Debug)]
pub struct Target {
    url: Url,
    host: Host<String>,
    port: u16,
}

impl Target {
    /// Reads a URL: `https` or `http`, with a host, without credentials. Hosts
    /// that are numbers, however they are written, are addresses from here on.
    ///
    /// # Errors
    /// [`TargetError::Url`].
    pub fn parse(text: &str) -> Result<Self, TargetError> {
        let wrong = |reason: &str| TargetError::Url(reason.to_owned());
        if text.len() > URL_BYTES_MAX {
            return Err(TargetError::Url(format!("at most {URL_BYTES_MAX} bytes are allowed")));
        }
        let url = Url::parse(text).map_err(|error| TargetError::Url(format!("not a URL: {error}")))?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(wrong("only https and http are called"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("it must not hold a user or a password"));
        }
        let host = url.host().map(|host| host.to_owned()).ok_or_else(|| wrong("it names no host"))?;
        let port = url.port_or_known_default().ok_or_else(|| wrong("it names no port"))?;
        Ok(Self { url, host, port })
    }

    /// Whether it is called over TLS.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// The host as the URL names it, with brackets where it needs them.
    #[must_use]
    pub fn host(&self) -> String {
        self.host.to_string()
    }

    /// The same without brackets, as certificates name it.
    #[must_use]
    pub fn server_name(&self) -> String {
        match &self.host {
            Host::Domain(name) => name.clone(),
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        }
    }

    /// What the `Host` header says.
    #[must_use]
    pub fn authority(&self) -> String {
        match self.url.port() {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host(),
        }
    }

    /// What the request's first line says.
    #[must_use]
    pub fn path_and_query(&self) -> String {
        match self.url.query() {
            Some(query) => format!("{}?{query}", self.url.path()),
            None => self.url.path().to_owned(),
        }
    }

    /// The addresses behind it, resolved once: whoever dials one of these dials
    /// what was judged. A name with any address that is refused is refused.
    ///
    /// # Errors
    /// Each but [`TargetError::Url`].
    pub async fn addresses(&self, allowed: &Allowed) -> Result<Vec<SocketAddr>, TargetError> {
        let found = match &self.host {
            Host::Ipv4(address) => vec![SocketAddr::from((*address, self.port))],
            Host::Ipv6(address) => vec![SocketAddr::from((*address, self.port))],
            Host::Domain(name) => self.resolved(name).await?,
        };
        self.judged(found, allowed)
    }

    async fn resolved(&self, name: &str) -> Result<Vec<SocketAddr>, TargetError> {
        let unresolved = |reason: String| TargetError::Unresolved { host: name.to_owned(), reason };
        let found = tokio::net::lookup_host((name, self.port)).await;
        let found: Vec<SocketAddr> = found.map_err(|error| unresolved(error.to_string()))?.collect();
        if found.is_empty() {
            return Err(unresolved("it has no address".to_owned()));
        }
        Ok(found)
    }

    fn judged(&self, found: Vec<SocketAddr>, allowed: &Allowed) -> Result<Vec<SocketAddr>, TargetError> {
        for address in &found {
            match allowed.judge(address.ip()) {
                Standing::Refused => {
                    tracing::warn!(host = self.host(), address = %address.ip(), "a webhook may not go to this address; UNTXT_WEBHOOK_ALLOW_PRIVATE lists what is allowed beside public ones");
                    return Err(TargetError::Refused { host: self.host(), address: address.ip() });
                }
                Standing::Public if !self.is_tls() => return Err(TargetError::Plain { host: self.host() }),
                Standing::Public | Standing::Listed => {}
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn refused(url: &str) -> bool {
        let target = Target::parse(url).unwrap();
        matches!(target.addresses(&Allowed::Public).await, Err(TargetError::Refused { .. }))
    }

    #[tokio::test]
    async fn this_machine_is_refused_however_it_is_written() {
        let written = [
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://0x7f000001/",
            "https://0177.0.0.1/",
            "https://127.1/",
            "https://0/",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[::ffff:7f00:1]/",
            "https://[0:0:0:0:0:0:0:1]/",
            "https://localhost/",
            "https://LOCALHOST/",
            "https://127.0.0.1./",
            "http://169.254.169.254/latest/meta-data",
            "https://\u{ff11}27.0.0.1/",
            "https://[fd00::1]/",
        ];
        for url in written {
            assert!(refused(url).await, "{url}");
        }
    }

    #[test]
    fn a_name_with_one_private_address_is_refused() {
        let target = Target::parse("https://two-faced.example/hook").unwrap();
        let both = ["93.184.216.34:443", "10.0.0.1:443"].map(|address| address.parse().unwrap());
        let error = target.judged(both.to_vec(), &Allowed::Public).unwrap_err();
        assert!(
            matches!(error, TargetError::Refused { address, .. } if address == both[1].ip()),
            "{error:?}"
        );
        let told = error.to_string();
        assert!(told.starts_with("the address of two-faced.example is not public"), "{told}");
        assert!(!told.contains("10.0.0.1") && !told.contains("93.184"), "{told}");
        assert!(!error.may_pass());
        assert_eq!(target.judged(both[..1].to_vec(), &Allowed::Public), Ok(both[..1].to_vec()));
    }

    #[test]
    fn what_is_public_is_called_over_tls_only() {
        let found = vec!["93.184.216.34:80".parse().unwrap()];
        let plain = Target::parse("http://example.com/").unwrap();
        let host = "example.com".to_owned();
        assert_eq!(plain.judged(found.clone(), &Allowed::Public), Err(TargetError::Plain { host }));
        assert_eq!(plain.judged(found.clone(), &"93.184.216.34".parse().unwrap()), Ok(found));
    }

    #[test]
    fn only_plain_urls_are_read() {
        let reason = |url: &str| Target::parse(url).unwrap_err().to_string();
        assert!(reason("ftp://example.com/").contains("only https"));
        assert!(reason("file:///etc/passwd").contains("only https"));
        assert!(reason("https://ann:secret@example.com/").contains("password"));
        assert!(reason("https://ann@example.com/").contains("user"));
        assert!(reason("/hook").contains("not a URL"));
        assert!(reason(&format!("https://example.com/{}", "a".repeat(2_048))).contains("2048 bytes"));
        let target = Target::parse("https://example.com:8443/a b?c=d#e").unwrap();
        assert_eq!(target.authority(), "example.com:8443");
        assert_eq!(target.path_and_query(), "/a%20b?c=d");
    }

    #[test]
    fn names_are_written_as_their_readers_want_them() {
        let names = |url: &str| {
            let target = Target::parse(url).unwrap();
            (target.server_name(), target.authority())
        };
        let pair = |name: &str, host: &str| (name.to_owned(), host.to_owned());
        assert_eq!(names("https://[::1]:8443/x"), pair("::1", "[::1]:8443"));
        assert_eq!(names("https://id.example.com/x"), pair("id.example.com", "id.example.com"));
    }
}
