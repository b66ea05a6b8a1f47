//! JSON and text are sent compressed to whoever takes that. What a client may ask
//! for in parts, or is a file of somebody's, is sent as it is: those bodies are no
//! texts of this server's making, and come as streams or with an `ETag`.
//!
//! Lengths of compressed answers tell something of a secret in them to whoever can
//! have somebody else's browser ask again and again, with a guess that is repeated
//! beside the secret, and watch the wire. No browser adds a key or a token to
//! another site's request by itself, a session's cookie does not count there, and each
//! answer that hands out a secret hands
//! out another one, so there is nothing to guess at.

use std::io::Write;

use async_trait::async_trait;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use salvo::http::ResBody;
use salvo::http::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap,
    HeaderValue, VARY,
};
use salvo::prelude::{Depot, FlowCtrl, Handler, Request, Response};
use tokio::task::spawn_blocking;

use crate::error::ApiError;

/// Smaller bodies fit into one packet with their headers.
const BYTES_MIN: usize = 1_025;

/// Larger bodies are compressed beside the requests, since that takes more than a
/// millisecond.
const BESIDE_BYTES_MIN: usize = 64 << 10;

/// Compresses what the routes behind it answer.
pub(crate) struct Compressed;

#[async_trait]
impl Handler for Compressed {
    async fn handle(&self, req: &mut Request, depot: &mut Depot, res: &mut Response, ctrl: &mut FlowCtrl) {
        ctrl.call_next(req, depot, res).await;
        let Some(text) = text(res) else { return };
        res.headers_mut().append(VARY, HeaderValue::from_static("accept-encoding"));
        if !takes_gzip(req.headers()) {
            return;
        }
        let compressed = match text.len() {
            0..BESIDE_BYTES_MIN => gzip(&text).ok(),
            _ => spawn_blocking(move || gzip(&text)).await.ok().and_then(Result::ok),
        };
        match compressed {
            Some(bytes) => {
                res.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
                res.headers_mut().remove(CONTENT_LENGTH);
                res.body(ResBody::Once(bytes));
            }
            None => ApiError::internal("an answer could not be compressed").render(res),
        }
    }
}

/// The body, if it is worth compressing.
fn text(res: &Response) -> Option<Bytes> {
    let headers = res.headers();
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let is_text = kind.starts_with("application/json") || kind.starts_with("text/");
    let stands_as_it_is =
        [CONTENT_ENCODING, CONTENT_RANGE, ETAG].iter().any(|name| headers.contains_key(name));
    match &res.body {
        ResBody::Once(bytes) if is_text && !stands_as_it_is && bytes.len() >= BYTES_MIN => {
            Some(bytes.clone())
        }
        _ => None,
    }
}

/// Fast rather than small: answers are compressed each time.
fn gzip(text: &[u8]) -> std::io::Result<Bytes> {
    let mut gzip = GzEncoder::new(Vec::with_capacity(text.len() / 4), Compression::fast());
    gzip.write_all(text)?;
    gzip.finish().map(Bytes::from)
}

/// Whether the client takes gzip, and would not rather have no encoding at all
/// (RFC 9110, section 12.5.3).
pub(crate) fn takes_gzip(headers: &HeaderMap) -> bool {
    let lists = headers.get_all(ACCEPT_ENCODING).into_iter().filter_map(|list| list.to_str().ok());
    let weights: Vec<(String, f32)> = lists.flat_map(|list| list.split(',')).map(weight).collect();
    let of = |coding: &str| weights.iter().find(|(name, _)| name == coding).map(|(_, weight)| *weight);
    let gzip = of("gzip").or_else(|| of("x-gzip")).or_else(|| of("*")).unwrap_or(0.0);
    gzip > 0.0 && gzip >= of("identity").unwrap_or(0.0)
}

/// `gzip;q=0.5` as what it says; a weight that is none is no consent.
fn weight(coding: &str) -> (String, f32) {
    let mut parts = coding.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default().to_ascii_lowercase();
    let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
    (name, weight.map_or(1.0, |weight| weight.trim().parse().unwrap_or(0.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_for_those_who_say_that_they_take_it() {
        let takes = |list: &'static str| {
            takes_gzip(&HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(list))]))
        };
        for list in ["gzip", "GZIP", "br, gzip;q=0.1", "*", "deflate, *;q=0.5", "gzip, identity;q=0.5"] {
            assert!(takes(list), "{list}");
        }
        for list in ["", "br", "gzip;q=0", "gzip; q=0.000, *", "*;q=0", "identity, gzip;q=0.5", "gzip;q=x"] {
            assert!(!takes(list), "{list}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}
