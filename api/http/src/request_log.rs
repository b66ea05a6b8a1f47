//! The outermost middleware: gives each request its id and its span, and logs one line
//! when it is answered.

use std::net::SocketAddr;
use std::time::Instant;

use async_trait::async_trait;
use salvo::conn::SocketAddr as Address;
use salvo::http::header::{HeaderMap, HeaderValue};
use salvo::prelude::{Depot, FlowCtrl, Handler, Request, Response};
use tracing::Instrument;
use tracing::field::display;
use untxt_settings::server::SiteSettings;

use crate::auth::principal::Principal;
use crate::meter;
use crate::request_id::{AnsweredIn, HEADER, new_id, span};
use crate::request_info::RequestInfo;
use crate::request_tracker;

/// Characters of an id that a proxy gave: two UUIDs' worth.
const ID_CHARS_MAX: usize = 72;

/// The middleware.
pub(crate) struct RequestLog {
    pub(crate) site: SiteSettings,
}

#[async_trait]
impl Handler for RequestLog {
    async fn handle(&self, req: &mut Request, depot: &mut Depot, res: &mut Response, ctrl: &mut FlowCtrl) {
        let info =
            RequestInfo::new(&self.site, req.remote_addr().ip(), local(req.local_addr()), req.headers());
        let id = id(&info, req.headers());
        let span = span(&id);
        if let Ok(value) = HeaderValue::from_str(&id) {
            res.headers_mut().insert(HEADER, value);
        }
        res.extensions.insert(AnsweredIn(span.clone()));
        req.extensions_mut().insert(info.clone());
        let (method, path) = (request_tracker::method(req), req.uri().path().to_owned());
        let (began, _open) = (Instant::now(), meter::request_in_flight());
        async {
            ctrl.call_next(req, depot, res).await;
            let took = began.elapsed();
            meter::request(req.matched_path(), &method, res.status_code, took);
            let status = res.status_code.map(|status| status.as_u16());
            let caller = depot.get_typed::<Principal>().ok().map(Principal::name);
            let (client, duration_ms) = (info.client.map(display), took.as_secs_f64() * 1e3);
            tracing::info!(%method, path, status, client, caller, duration_ms, "request");
        }
        .instrument(span)
        .await;
    }
}

/// An id of our own, or the one that a trusted proxy has in its own log. Who is
/// not trusted could give its requests the ids of others.
fn id(info: &RequestInfo, headers: &HeaderMap) -> String {
    let given = headers.get(HEADER).filter(|_| info.through_proxy).and_then(|id| id.to_str().ok());
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    given
        .filter(|id| (1..=ID_CHARS_MAX).contains(&id.len()) && id.chars().all(allowed))
        .map_or_else(new_id, str::to_owned)
}

/// Where the request arrived, for one that does not name a host.
fn local(address: &Address) -> SocketAddr {
    address.clone().into_std().unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn an_id_is_taken_from_a_trusted_proxy_only_and_only_if_it_is_plain() {
        let given = |settings: &SiteSettings, value: &str| {
            let headers = HeaderMap::from_iter([(HEADER, HeaderValue::from_str(value).unwrap())]);
            let peer = Some([10, 0, 0, 1].into());
            id(&RequestInfo::new(settings, peer, SocketAddr::from(([127, 0, 0, 1], 80)), &headers), &headers)
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
