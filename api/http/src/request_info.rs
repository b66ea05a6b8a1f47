//! The client's address and the URL under which it sees this server. Without a proxy
//! both come from the connection; behind a trusted proxy they come from its headers.

mod forwarded;

use std::net::{IpAddr, SocketAddr};

use salvo::http::StatusCode;
use salvo::http::header::{HOST, HeaderMap};
use salvo::prelude::Request;
use untxt_settings::base_url::{self, BaseUrl};
use untxt_settings::server::SiteSettings;

use self::forwarded::Forwarded;
use crate::error::ApiError;

/// How a request came: from which client, and to which address of this server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestInfo {
    /// The client's address, as far as trusted proxies tell it; absent when the
    /// connection has none.
    pub client: Option<IpAddr>,
    /// Where the client sees this server: the public URL if one is set, otherwise
    /// what trusted proxies say, otherwise the `Host` header.
    pub base: BaseUrl,
    /// Whether the base is the public URL that an operator set.
    pub is_public: bool,
    /// Whether the request came through a trusted proxy.
    pub through_proxy: bool,
}

impl RequestInfo {
    /// How a request with these headers came, over a connection from `peer` to the
    /// listener at `local`.
    #[must_use]
    pub fn new(
        settings: &SiteSettings,
        peer: Option<IpAddr>,
        local: SocketAddr,
        headers: &HeaderMap,
    ) -> Self {
        let peer = peer.map(|address| address.to_canonical());
        let forwarded = peer.filter(|peer| settings.trusts(*peer)).map(|peer| {
            let client = forwarded::client(peer, headers, |address| settings.trusts(address));
            (client, Forwarded::read(headers))
        });
        let (client, said, through_proxy) = match forwarded {
            Some((client, said)) => (Some(client), said, true),
            None => (peer, Forwarded::default(), false),
        };
        let base = settings.public_url.clone().unwrap_or_else(|| {
            let host = headers.get(HOST).and_then(|host| host.to_str().ok());
            let host = said.host.or_else(|| host.and_then(base_url::authority));
            let authority = host.unwrap_or_else(|| local.to_string());
            BaseUrl::new(
                said.scheme.unwrap_or(base_url::HTTP),
                &authority,
                said.prefix.as_deref().unwrap_or(""),
            )
        });
        Self { client, base, is_public: settings.public_url.is_some(), through_proxy }
    }

    /// How this request came.
    ///
    /// # Errors
    /// When nothing put it there, which is a fault of the router.
    pub fn of(req: &Request) -> Result<&Self, ApiError> {
        req.extensions()
            .get::<Self>()
            .ok_or_else(|| ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", "internal error"))
    }

    /// The path of `route`, such as `/api/tasks`, as the client sees it.
    #[must_use]
    pub fn path(&self, route: &str) -> String {
        format!("{}{route}", self.base.prefix())
    }
}

#[cfg(test)]
mod tests {
    use salvo::http::header::{HeaderName, HeaderValue};

    use super::*;

    const LOCAL: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8080);

    fn settings(public_url: Option<&str>, trusted: &str) -> SiteSettings {
        let nets = trusted.split(',').filter(|net| !net.is_empty()).map(|net| net.parse().unwrap());
        SiteSettings {
            public_url: public_url.map(|url| url.parse().unwrap()),
            trusted_proxies: nets.collect(),
        }
    }

    /// The client and the base URL that a request from `peer` is seen with.
    fn seen(settings: &SiteSettings, peer: &str, headers: &[(&str, &str)]) -> (String, String) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
        }
        let info = RequestInfo::new(settings, Some(peer.parse().unwrap()), LOCAL, &map);
        (info.client.unwrap().to_string(), info.base.to_string())
    }

    fn pair(client: &str, base: &str) -> (String, String) {
        (client.to_owned(), base.to_owned())
    }

    const FORWARDED: [(&str, &str); 5] = [
        ("host", "127.0.0.1:8080"),
        ("x-forwarded-for", "198.51.100.9, 203.0.113.7, 10.0.0.2"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "ocr.example.com"),
        ("x-forwarded-prefix", "/scans/"),
    ];

    #[test]
    fn nothing_that_is_forwarded_counts_unless_it_comes_from_a_trusted_proxy() {
        let direct = pair("10.0.0.1", "http://127.0.0.1:8080");
        assert_eq!(seen(&settings(None, ""), "10.0.0.1", &FORWARDED), direct);
        assert_eq!(seen(&settings(None, "192.0.2.0/24"), "10.0.0.1", &FORWARDED), direct);
        let trusted = seen(&settings(None, "10.0.0.0/8"), "10.0.0.1", &FORWARDED);
        assert_eq!(trusted, pair("203.0.113.7", "https://ocr.example.com/scans"));
        let mapped = seen(&settings(None, "10.0.0.0/8"), "::ffff:10.0.0.1", &FORWARDED);
        assert_eq!(mapped, trusted, "an IPv4 address in an IPv6 one is itself");
    }

    #[test]
    fn the_rightmost_untrusted_address_is_the_client() {
        let settings = settings(None, "10.0.0.0/8,fd00::/8");
        let client = |forwarded: &[&str]| {
            let headers: Vec<_> = forwarded.iter().map(|value| ("x-forwarded-for", *value)).collect();
            seen(&settings, "10.0.0.1", &headers).0
        };
        assert_eq!(client(&[]), "10.0.0.1");
        assert_eq!(client(&["1.2.3.4"]), "1.2.3.4");
        assert_eq!(client(&["9.9.9.9, 1.2.3.4"]), "1.2.3.4", "what a client wrote itself does not count");
        assert_eq!(client(&["9.9.9.9", "1.2.3.4, fd00::5"]), "1.2.3.4", "several headers are one list");
        assert_eq!(client(&["1.2.3.4:5678"]), "1.2.3.4");
        assert_eq!(client(&["[2001:db8::1]:443"]), "2001:db8::1");
        assert_eq!(client(&["[2001:db8::1]"]), "2001:db8::1");
        assert_eq!(client(&["1.2.3.4, unknown"]), "10.0.0.1", "nothing beyond what can't be read");
        assert_eq!(client(&["10.0.0.3, 10.0.0.2"]), "10.0.0.3", "a client inside the trusted network");
    }

    #[test]
    fn the_public_url_stands_over_all_that_requests_say() {
        let settings = settings(Some("https://ocr.example.com/scans/"), "");
        assert_eq!(seen(&settings, "10.0.0.1", &FORWARDED).1, "https://ocr.example.com/scans");
        assert_eq!(
            seen(&settings, "10.0.0.1", &[("host", "evil.example")]).1,
            "https://ocr.example.com/scans"
        );
    }

    #[test]
    fn what_does_not_belong_into_a_url_is_left_out() {
        let settings = settings(None, "10.0.0.0/8");
        let base = |name: &str, value: &str| seen(&settings, "10.0.0.1", &[("host", "a"), (name, value)]).1;
        for prefix in ["//evil.example", "/a?b", "/a b", "/a\"", "a", "/a/../b", "/é"] {
            assert_eq!(base("x-forwarded-prefix", prefix), "http://a", "{prefix}");
        }
        assert_eq!(base("x-forwarded-proto", "javascript"), "http://a");
        assert_eq!(base("x-forwarded-proto", "https, http"), "http://a", "the nearest proxy's");
        assert_eq!(base("x-forwarded-host", "a/b"), "http://a");
        let no_host = seen(&settings, "10.0.0.1", &[("host", "a\"b")]).1;
        assert_eq!(no_host, "http://127.0.0.1:8080");
    }
}
