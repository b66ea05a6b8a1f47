//! The HTTP and WebSocket API.
//!
//! In reading order; each module uses only those above it: [`codes`] and [`error`] (how
//! requests fail), [`json`] (what clients send), [`views`], [`dead_letters`] and [`audit`]
//! (what they are sent, and what is recorded before it is done), [`meter`], [`request_info`]
//! (the client's address and the URL it calls), `origin` (whose page asks), [`auth`]; the middleware of all routes, from
//! `request_id` to `request_checks`, with the connections below it (`request_tracker`,
//! `head_errors`, `lingering`, `connections`); [`exporter`] (traces), [`health`],
//! [`update_hub`] (events of tasks, read once for all sockets), [`overview`],
//! [`connection_limiter`],
//! [`read_limiter`] and [`app_state`] (what all routes share); [`operator_views`],
//! [`plugins`] and [`queues`]; the API's description, the routes, and [`server`].

// Boxes the future of a handler: `#[handler] #[boxed] async fn …`. What `#[handler]`
// makes has to be `Send`, which the compiler proves from the handler's future down to
// the last field of the database pool and the sandbox, 5,000 proofs, and for each
// handler anew, because lifetimes of its own bound the proof. A box says that it is
// `Send`; what is in it is proven once for all handlers. Without it, this crate takes
// three times as long to compile.
use async_recursion::async_recursion as boxed;

pub mod codes;
pub mod error;
pub mod json;

pub mod audit;
mod page_views;
pub mod views;

pub mod dead_letters;

pub mod meter;
pub mod request_info;

mod origin;

pub mod auth;

pub mod request_id;

mod request_tracker;
mod security_headers;

mod head_errors;
mod lingering;

mod connections;

mod body_timeout;
mod compress;
mod request_log;
mod request_trace;

mod cors;
mod request_checks;

pub mod exporter;
pub mod health;
pub mod update_hub;

pub mod overview;

pub mod connection_limiter;
pub mod read_limiter;

pub mod app_state;

mod openapi;
pub mod operator_views;
pub mod plugins;
pub mod queues;
mod routes;

pub mod router;
pub mod server;

#[doc(hidden)]
pub mod fuzzing;

#[cfg(test)]
#[path = "../../../engine/src/module_order.rs"]
mod module_order;
