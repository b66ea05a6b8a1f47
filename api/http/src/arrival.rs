//! Where every request begins: how it came, the id by which everything that is
//! logged for it is found, and the line that says how it went.

use std::net::SocketAddr;
use std::time::Instant;

use async_trait::async_trait;
use salvo::conn::SocketAddr as Address;
use salvo::http::header::{HeaderMap, HeaderName, HeaderValue};
use salvo::prelude::{Depot, FlowCtrl, Handler, Request, Response};
use tracing::field::display;
use tracing::{Instrument, Span};
use untxt_settings::server::SiteSettings;
use uuid::Uuid;

use crate::auth::caller::Caller;
use crate::exchange;

use crate::site::Seen;
use crate::vitals::meter;

/// The target of the span of a request. It is kept whatever `UNTXT_LOG` leaves
/// out: without it no line could be told to be a request's.
pub const SPAN: &str = "untxt::request";

/// The header that carries a request's id.
pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Characters of an id that a proxy gave: two UUIDs' worth.
const ID_CHARS_MAX: usize = 72;

/// The span of the request that an answer is for: its body is sent after the
/// routes are through with it.
#[derive(Clone, Debug)]
pub(crate) struct AnsweredIn(pub(crate) Span);

/// Stands before everything else.
pub(crate) struct Arrival {
    pub(crate) site: SiteSettings,
}

#[async_trait]
impl Handler for Arrival {
    async fn handle(&self, req: &mut Request, depot: &mut Depot, res: &mut Response, ctrl: &mut FlowCtrl) {
        let seen = Seen::new(&self.site, req.remote_addr().ip(), local(req.local_addr()), req.headers());
        let id = id(&seen, req.headers());
        let span = span(&id);
        if let Ok(value) = HeaderValue::from_str(&id) {
            res.headers_mut().insert(HEADER, value);
        }
        res.extensions.insert(AnsweredIn(span.clone()));
        req.extensions_mut().insert(seen.clone());
        let (method, path) = (exchange::method(req), req.uri().path().to_owned());
        let (began, _open) = (Instant::now(), meter::request_in_flight());
        async {
            ctrl.call_next(req, depot, res).await;
            let took = began.elapsed();
            meter::request(req.matched_path(), &method, res.status_code, took);
            let status = res.status_code.map(|status| status.as_u16());
            let caller = depot.get_typed::<Caller>().ok().map(Caller::name);
            let (client, duration_ms) = (seen.client.map(display), took.as_secs_f64() * 1e3);
            tracing::info!(%method, path, status, client, caller, duration_ms, "request");
        }
        .instrument(span)
        .await;
    }
}

/// What everything that is logged for the request `id` stands in.
pub(crate) fn span(id: &str) -> Span {
    tracing::error_span!(target: SPAN, "request", id)
}

/// An id of our own, or the one that a trusted proxy has in its own log. Who is
/// not trusted could give its requests the ids of others.
fn id(seen: &Seen, headers: &HeaderMap) -> String {
    let given = headers.get(HEADER).filter(|_| seen.through_proxy).and_then(|id| id.to_str().ok());
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    given
        .filter(|id| (1..=ID_CHARS_MAX).contains(&id.len()) && id.chars().all(allowed))
        .map_or_else(new_id, str::to_owned)
}

/// An id that no other request has.
pub(crate) fn new_id() -> String {
    Uuid::now_v7().to_string()
}

/// Where the request arrived, for one that does not name a host.
fn local(address: &Address) -> SocketAddr {
    address.clone().into_std().unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_taken_from_a_trusted_proxy_only_and_only_if_it_is_plain() {
        let given = |settings: &SiteSettings, value: &str| {
            let headers = HeaderMap::from_iter([(HEADER, HeaderValue::from_str(value).unwrap())]);
            let peer = Some([10, 0, 0, 1].into());
            id(&Seen::new(settings, peer, SocketAddr::from(([127, 0, 0, 1], 80)), &headers), &headers)
        };
        let trusting =
            SiteSettings { trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()], ..SiteSettings::default() };
        assert_eq!(given(&trusting, "c9a1f0.Z_-"), "c9a1f0.Z_-");
        assert_ne!(given(&SiteSettings::default(), "c9a1f0"), "c9a1f0");
        for wrong in ["", "a b", "a\"b", "a=b", &"a".repeat(ID_CHARS_MAX + 1)] {
            assert!(Uuid::parse_str(&given(&trusting, wrong)).is_ok(), "{wrong}");
        }
    }
}
