//! Checks which site's page a request comes from. A page of another site must neither
//! change nor follow anything on behalf of the person who visits it.

use std::net::IpAddr;

use salvo::http::header::{HeaderValue, ORIGIN, UPGRADE};
use salvo::http::{Method, StatusCode};
use salvo::prelude::Request;

use crate::error::ApiError;
use crate::request_info::RequestInfo;

/// Marks a request from a page of an allowed origin (`UNTXT_CORS_ORIGINS`).
#[derive(Clone, Copy, Debug)]
pub(crate) struct AllowedOrigin;

/// Whether `origin` is one of those that are allowed.
pub(crate) fn is_listed(allowed: &[String], origin: &HeaderValue) -> bool {
    allowed.iter().any(|allowed| origin.as_bytes().eq_ignore_ascii_case(allowed.as_bytes()))
}

/// Refuses requests from pages of other sites, unless their origin is allowed. Programs
/// send no `Origin`.
pub(crate) fn same_origin(req: &Request) -> Result<(), ApiError> {
    match req.extensions().get::<AllowedOrigin>() {
        Some(AllowedOrigin) => Ok(()),
        None => own_page(req),
    }
}

/// Refuses requests from pages of all other sites: operators' routes allow no origin.
pub(crate) fn own_page(req: &Request) -> Result<(), ApiError> {
    let Some(origin) = req.headers().get(ORIGIN) else { return Ok(()) };
    let origin = origin.to_str().unwrap_or("?");
    let host = req.header::<String>("host").unwrap_or_default();
    let from = origin.split_once("://").map_or(origin, |(_, host)| host);
    // Behind a proxy the Host may be the proxy's own idea.
    if from == host || origin.eq_ignore_ascii_case(&RequestInfo::of(req)?.base.origin()) {
        return Ok(());
    }
    Err(refused(
        "this is for programs and for this server's own pages; if it is behind a proxy, UNTXT_PUBLIC_URL \
                 has to say where clients see it",
    ))
}

/// Whether the cookie of a session counts: it does for this server's own pages. Browsers
/// add it to requests that other sites make them send, and so does whoever has a page on
/// another host of the same site.
///
/// Pages of allowed origins present a key or token; their cookies are not looked at.
///
/// # Errors
/// 403 `ORIGIN_NOT_ALLOWED` for all others.
pub(crate) fn session_counts(req: &Request) -> Result<bool, ApiError> {
    if req.extensions().get::<AllowedOrigin>().is_some() {
        return Ok(false);
    }
    let opens_socket = req.headers().contains_key(UPGRADE);
    let acts = opens_socket || !matches!(*req.method(), Method::GET | Method::HEAD);
    match req.header::<String>("sec-fetch-site").as_deref() {
        Some("same-origin") => Ok(true),
        // Somebody typed the address, or chose a bookmark.
        Some("none") if !acts => Ok(true),
        Some(_) => Err(refused(OWN_PAGES)),
        // Browsers say so only where they trust the connection, and older ones never.
        None if acts && !req.headers().contains_key(ORIGIN) => Err(refused(OWN_PAGES)),
        None => own_page(req).map(|()| true),
    }
}

const OWN_PAGES: &str = "a session's cookie counts for this server's own pages only; programs and other pages send \
                         `Authorization: Bearer` with a key or token";

/// Refuses a name under which this machine is not known to itself or to its
/// operator: a page may have had its own site's name point here, and then its
/// Origin equals the Host.
pub(crate) fn own_name(req: &Request) -> Result<(), ApiError> {
    let host = req.header::<String>("host").unwrap_or_default();
    let info = RequestInfo::of(req)?;
    if info.is_public && host.eq_ignore_ascii_case(info.base.authority()) {
        return Ok(());
    }
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    if name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok() {
        return Ok(());
    }
    Err(refused("call this server by its address, as localhost, or by the name in UNTXT_PUBLIC_URL"))
}

fn refused(message: &str) -> ApiError {
    ApiError::new(StatusCode::FORBIDDEN, "ORIGIN_NOT_ALLOWED", message)
}
