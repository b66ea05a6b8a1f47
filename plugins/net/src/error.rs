//! Why a request has no response.

use std::net::IpAddr;
use std::time::Duration;

use crate::origin::InvalidUrl;

/// Why a request has no response. The texts name the origin, never the path or
/// the query, which may hold secrets.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The URI can't be requested.
    #[error(transparent)]
    Url(#[from] InvalidUrl),
    /// An address of the host is refused by the policy. Nothing was dialled.
    #[error("{host} resolves to {address}, which is not a public address")]
    Refused {
        /// Host of the URI.
        host: String,
        /// The first refused address.
        address: IpAddr,
    },
    /// A public address is called over TLS only. Nothing was dialled.
    #[error("{host} has a public address, which is called over https only")]
    PlainText {
        /// Host of the URI.
        host: String,
    },
    /// The name can't be resolved now.
    #[error("{host} can't be resolved: {reason}")]
    Unresolved {
        /// Host of the URI.
        host: String,
        /// The resolver's message.
        reason: String,
    },
    /// No address accepts a connection.
    #[error("{origin}: can't connect: {reason}")]
    Unreachable {
        /// Scheme, host and port.
        origin: String,
        /// The last address's error.
        reason: String,
    },
    /// The server's certificate is not valid for its name, or TLS failed.
    #[error("{origin}: TLS failed: {reason}")]
    Tls {
        /// Scheme, host and port.
        origin: String,
        /// What failed.
        reason: String,
    },
    /// The connection broke, the response is not HTTP, or its head is too large.
    #[error("{origin}: no complete response: {reason}")]
    Protocol {
        /// Scheme, host and port.
        origin: String,
        /// What failed.
        reason: String,
    },
    /// The body of the response is too large.
    #[error("the response body exceeds {0} bytes")]
    TooLarge(usize),
    /// The response did not end within the deadline.
    #[error("no complete response within {0:?}")]
    TimedOut(Duration),
}
