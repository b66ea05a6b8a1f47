//! Where a webhook goes: a URL that a user wrote.

use http::Uri;
use untxt_net::{AddressPolicy, HttpError, Origin, check};
use url::Url;

/// Bytes of a URL.
const URL_BYTES_MAX: usize = 2_048;

/// A URL that can be called.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// Without a fragment.
    pub(super) uri: Uri,
    origin: Origin,
}

impl Target {
    /// Parses a URL: `https` or `http`, with a host, without credentials. A host
    /// that is a number, in whatever notation, is an IP address from here on.
    ///
    /// # Errors
    /// The reason, without the URL: its path may be a secret.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.len() > URL_BYTES_MAX {
            return Err(format!("at most {URL_BYTES_MAX} bytes are allowed"));
        }
        let mut url = Url::parse(text).map_err(|error| format!("not a URL: {error}"))?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err("only https and http URLs are called".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("it must not contain a user or a password".to_owned());
        }
        url.set_fragment(None);
        let uri: Uri = url.as_str().parse().map_err(|error| format!("not a URL: {error}"))?;
        let origin = Origin::of(&uri).map_err(|error| error.to_string())?;
        Ok(Self { uri, origin })
    }

    /// The host, for messages.
    pub(super) fn host(&self) -> &str {
        &self.origin.host
    }

    /// Resolves the host and checks its addresses, without calling one.
    ///
    /// # Errors
    /// As [`check`].
    pub(super) async fn check(&self, policy: &AddressPolicy) -> Result<(), HttpError> {
        check(&self.origin, policy, true).await
    }
}

/// What the owner of a webhook is told about `error`. Which address a name has is
/// for the log only: tenants must not learn what names resolve to inside of the
/// operator's network.
pub(super) fn message_for_tenant(error: &HttpError) -> String {
    let HttpError::Refused { host, address } = error else { return error.to_string() };
    tracing::warn!(host, %address, "refused the address of a webhook; UNTXT_WEBHOOK_ALLOW_PRIVATE lists addresses to allow besides public ones");
    format!(
        "the address of {host} is not public; the server's UNTXT_WEBHOOK_ALLOW_PRIVATE lists addresses to allow \
         besides public ones"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn refused(url: &str) -> bool {
        let target = Target::parse(url).unwrap();
        matches!(target.check(&AddressPolicy::Public).await, Err(HttpError::Refused { .. }))
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
    fn a_tenant_is_not_told_which_address_a_name_has() {
        let address = "10.0.0.1".parse().unwrap();
        let text = message_for_tenant(&HttpError::Refused { host: "two-faced.example".to_owned(), address });
        assert!(text.starts_with("the address of two-faced.example is not public"), "{text}");
        assert!(!text.contains("10.0.0.1"), "{text}");
    }

    #[tokio::test]
    async fn public_addresses_are_called_over_tls_only() {
        let plain = Target::parse("http://93.184.216.34/").unwrap();
        let refused = plain.check(&AddressPolicy::Public).await;
        assert!(
            matches!(&refused, Err(HttpError::PlainText { host }) if host == "93.184.216.34"),
            "{refused:?}"
        );
        let listed = plain.check(&"93.184.216.34".parse().unwrap()).await;
        assert!(listed.is_ok(), "{listed:?}");
    }

    #[test]
    fn only_plain_urls_are_accepted() {
        let reason = |url: &str| Target::parse(url).unwrap_err();
        assert!(reason("ftp://example.com/").contains("only https"));
        assert!(reason("file:///etc/passwd").contains("only https"));
        assert!(reason("https://ann:secret@example.com/").contains("password"));
        assert!(reason("https://ann@example.com/").contains("user"));
        assert!(reason("/hook").contains("not a URL"));
        assert!(reason(&format!("https://example.com/{}", "a".repeat(2_048))).contains("2048 bytes"));
        let target = Target::parse("https://example.com:8443/a b?c=d#e").unwrap();
        assert_eq!(target.origin.authority(), "example.com:8443");
        assert_eq!(target.uri.path_and_query().unwrap(), "/a%20b?c=d");
    }
}
