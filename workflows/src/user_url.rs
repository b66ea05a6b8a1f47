//! URLs that users write: a webhook's, a document's. They are called from inside of the
//! operator's network, so which addresses they may reach is the operator's to say.

use std::time::Duration;

use chrono::{DateTime, Utc};
use http::Uri;
use http::header::{HeaderMap, RETRY_AFTER};
use percent_encoding::percent_decode_str;
use tokio::time::timeout;
use untxt_net::{AddressPolicy, HttpError, Origin, check};
use url::Url;

/// Bytes of a URL.
const URL_BYTES_MAX: usize = 2_048;

/// How long the name of a host may take to be resolved while its user waits.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(2);

/// How long to wait for a busy server that does not say for how long.
const BUSY_WAIT: Duration = Duration::from_secs(5);

/// The longest wait that a server may ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// A URL that can be called.
#[derive(Clone, Debug)]
pub(crate) struct UserUrl {
    url: Url,
    /// Without a fragment.
    pub(crate) uri: Uri,
    origin: Origin,
}

impl UserUrl {
    /// Parses a URL: `https` or `http`, with a host, without credentials. A host
    /// that is a number, in whatever notation, is an IP address from here on.
    ///
    /// # Errors
    /// The reason, without the URL: its path may be a secret.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.len() > URL_BYTES_MAX {
            return Err(format!("at most {URL_BYTES_MAX} bytes are allowed"));
        }
        Self::of(Url::parse(text).map_err(|error| format!("not a URL: {error}"))?)
    }

    /// Where a redirect from this URL to `location` leads.
    ///
    /// # Errors
    /// As [`UserUrl::parse`].
    pub(crate) fn redirected(&self, location: &str) -> Result<Self, String> {
        if location.len() > URL_BYTES_MAX {
            return Err(format!("at most {URL_BYTES_MAX} bytes are allowed"));
        }
        Self::of(self.url.join(location).map_err(|error| format!("not a URL: {error}"))?)
    }

    fn of(mut url: Url) -> Result<Self, String> {
        if !matches!(url.scheme(), "https" | "http") {
            return Err("only https and http URLs are called".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("it must not contain a user or a password".to_owned());
        }
        url.set_fragment(None);
        let uri: Uri = url.as_str().parse().map_err(|error| format!("not a URL: {error}"))?;
        let origin = Origin::of(&uri).map_err(|error| error.to_string())?;
        Ok(Self { url, uri, origin })
    }

    /// The host, for messages.
    pub(crate) fn host(&self) -> &str {
        &self.origin.host
    }

    /// The last part of the path, decoded: what a file that is there is called.
    pub(crate) fn file_name(&self) -> String {
        let last = self.url.path_segments().and_then(|mut parts| parts.next_back()).unwrap_or_default();
        percent_decode_str(last).decode_utf8_lossy().into_owned()
    }

    /// Resolves the host and checks its addresses, without calling one.
    ///
    /// # Errors
    /// As [`check`].
    async fn check(&self, policy: &AddressPolicy) -> Result<(), HttpError> {
        check(&self.origin, policy, true).await
    }

    /// Checks the host's addresses while its user can still be told what is wrong with
    /// them. A name that can't be resolved now is accepted: it may resolve when it is
    /// called. `setting` lists the private addresses that are allowed.
    ///
    /// # Errors
    /// The reason, for the user.
    pub(crate) async fn check_for_user(
        &self,
        policy: &AddressPolicy,
        setting: &'static str,
    ) -> Result<(), String> {
        match timeout(RESOLVE_TIMEOUT, self.check(policy)).await {
            Err(_) | Ok(Ok(()) | Err(HttpError::Unresolved { .. })) => Ok(()),
            Ok(Err(error)) => Err(message_for_tenant(&error, setting)),
        }
    }
}

/// What the user of a URL is told about `error`. Which address a name has is
/// for the log only: tenants must not learn what names resolve to inside of the
/// operator's network. `setting` lists the private addresses that are allowed.
pub(crate) fn message_for_tenant(error: &HttpError, setting: &'static str) -> String {
    let HttpError::Refused { host, address } = error else { return error.to_string() };
    tracing::warn!(host, %address, setting, "refused the address of a user's URL; the setting lists addresses to allow besides public ones");
    format!(
        "the address of {host} is not public; the server's {setting} lists addresses to allow besides public ones"
    )
}

/// How long a server that is busy wants to be left alone, within bounds.
pub(crate) fn busy_wait(headers: &HeaderMap) -> Duration {
    headers.get(RETRY_AFTER).and_then(|value| retry_after(value.to_str().ok()?)).unwrap_or(BUSY_WAIT)
}

/// Seconds, or a date.
fn retry_after(text: &str) -> Option<Duration> {
    let text = text.trim();
    let wait = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let until = DateTime::<Utc>::from(httpdate::parse_http_date(text).ok()?);
            (until - Utc::now()).to_std().unwrap_or_default()
        }
    };
    Some(wait.min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn refused(url: &str) -> bool {
        let target = UserUrl::parse(url).unwrap();
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
        let text = message_for_tenant(
            &HttpError::Refused { host: "two-faced.example".to_owned(), address },
            "UNTXT_X",
        );
        assert!(text.starts_with("the address of two-faced.example is not public"), "{text}");
        assert!(!text.contains("10.0.0.1"), "{text}");
    }

    #[tokio::test]
    async fn public_addresses_are_called_over_tls_only() {
        let plain = UserUrl::parse("http://93.184.216.34/").unwrap();
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
        let reason = |url: &str| UserUrl::parse(url).unwrap_err();
        assert!(reason("ftp://example.com/").contains("only https"));
        assert!(reason("file:///etc/passwd").contains("only https"));
        assert!(reason("https://ann:secret@example.com/").contains("password"));
        assert!(reason("https://ann@example.com/").contains("user"));
        assert!(reason("/hook").contains("not a URL"));
        assert!(reason(&format!("https://example.com/{}", "a".repeat(2_048))).contains("2048 bytes"));
        let target = UserUrl::parse("https://example.com:8443/a b?c=d#e").unwrap();
        assert_eq!(target.origin.authority(), "example.com:8443");
        assert_eq!(target.uri.path_and_query().unwrap(), "/a%20b?c=d");
    }

    #[test]
    fn redirects_lead_to_urls_that_are_checked_alike() {
        let url = UserUrl::parse("https://example.com/a/b.pdf?c=d").unwrap();
        let to = |location: &str| url.redirected(location).map(|to| to.uri.to_string());
        assert_eq!(to("c.pdf"), Ok("https://example.com/a/c.pdf".to_owned()));
        assert_eq!(to("//other.example/x"), Ok("https://other.example/x".to_owned()));
        assert!(to("file:///etc/passwd").is_err() && to("https://ann:pw@example.com/").is_err());
        assert!(to(&"a".repeat(2_049)).is_err());
    }

    #[test]
    fn a_file_is_called_as_the_last_part_of_its_path() {
        let name = |url: &str| UserUrl::parse(url).unwrap().file_name();
        assert_eq!(name("https://example.com/a/Jahres%20bericht.pdf?x=1#p"), "Jahres bericht.pdf");
        assert_eq!(name("https://example.com"), "");
        assert_eq!(name("https://example.com/%2e%2e%2fpasswd%ff"), "../passwd\u{fffd}");
    }

    #[test]
    fn a_server_may_ask_for_a_wait_within_bounds() {
        assert_eq!(retry_after("120"), Some(Duration::from_secs(120)));
        assert_eq!(retry_after("99999999"), Some(RETRY_AFTER_MAX));
        assert_eq!(retry_after("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::ZERO));
        assert_eq!(retry_after("Fri, 01 Jan 2100 00:00:00 GMT"), Some(RETRY_AFTER_MAX));
        assert_eq!(retry_after("soon"), None);
        assert_eq!(busy_wait(&HeaderMap::new()), BUSY_WAIT);
    }
}
