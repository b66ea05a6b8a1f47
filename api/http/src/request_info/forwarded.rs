//! What a trusted proxy says about the request that it passes on. Whatever can't
//! be made sense of is as good as not said.

use std::net::{IpAddr, SocketAddr};

use salvo::http::header::HeaderMap;
use untxt_settings::base_url::{HTTP, HTTPS, authority, prefix};

/// Proxies in a row that are looked through; there are two or three.
const HOPS_MAX: usize = 16;

/// Where the client saw the server that it asked.
#[derive(Debug, Default)]
pub(super) struct Forwarded {
    pub(super) scheme: Option<&'static str>,
    pub(super) host: Option<String>,
    pub(super) prefix: Option<String>,
}

impl Forwarded {
    /// What the nearest proxy says: the last of several values.
    pub(super) fn read(headers: &HeaderMap) -> Self {
        let scheme = match last(headers, "x-forwarded-proto") {
            Some(HTTP) => Some(HTTP),
            Some(HTTPS) => Some(HTTPS),
            _ => None,
        };
        Self {
            scheme,
            host: last(headers, "x-forwarded-host").and_then(authority),
            prefix: last(headers, "x-forwarded-prefix").and_then(prefix),
        }
    }
}

/// The address that called the first of the trusted proxies, seen from here: each
/// adds to the right of `X-Forwarded-For` whom it was called by, and what stands
/// to the left of an address that nobody trusts is that one's own invention.
pub(super) fn client(peer: IpAddr, headers: &HeaderMap, trusts: impl Fn(IpAddr) -> bool) -> IpAddr {
    let mut client = peer;
    for text in values(headers, "x-forwarded-for").take(HOPS_MAX) {
        let Some(address) = address(text) else { break };
        client = address;
        if !trusts(address) {
            break;
        }
    }
    client
}

/// The values of a header that is a list, the last one first.
fn values<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a str> {
    let lines: Vec<&str> = headers.get_all(name).iter().map(|line| line.to_str().unwrap_or("")).collect();
    lines.into_iter().rev().flat_map(|line| line.rsplit(',')).map(str::trim)
}

fn last<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    values(headers, name).next()
}

/// An address, with or without a port and brackets.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let alone = bare.parse::<IpAddr>().ok();
    alone.or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip())).map(|address| address.to_canonical())
}
