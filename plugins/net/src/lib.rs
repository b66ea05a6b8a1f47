//! Outgoing HTTP: one HTTP/1.1 client for everything that untxt calls (servers
//! that engines ask, packages, webhooks, the identity provider, the trace
//! collector), with one policy of addresses.
//!
//! A request goes one way: the host of its URI is resolved, every address it
//! resolves to is checked, one of these addresses is dialled, TLS verifies the
//! name, and one response is read. A host written as an IP address is checked
//! like any other. If one address of a name is refused, the whole name is
//! refused: a name that resolves to a public and a private address is an
//! attempt to reach the private one, or a mistake that should be seen.
//!
//! Every request has a deadline and a bound for the head and the body of its
//! response. Redirects are never followed, connections never reused, and no
//! header but `Host` is added.
//!
//! In reading order: [`error`](HttpError), [`origin`](Origin),
//! [`policy`](AddressPolicy), `resolve`, `tls` and `client`.

mod origin;

mod error;

mod policy;

mod resolve;

mod tls;

mod client;

pub use client::{OpenResponse, RequestOptions, open, send, send_for_head};
pub use error::HttpError;
pub use origin::{InvalidUrl, Origin};
pub use policy::{AddressPolicy, Decision, is_public};
pub use resolve::check;

#[cfg(test)]
#[path = "../../../engine/src/module_order.rs"]
mod module_order;
