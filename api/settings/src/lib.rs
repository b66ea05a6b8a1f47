//! The settings of `untxt`: environment variables, and the same keys in
//! `untxt.toml`, read and checked.
//!
//! In reading order; each module uses only those above it: [`base_url`] and
//! [`provider_url`] (URLs that may be set), [`server`] (settings of the HTTP server),
//! `error`, `known` (the names of all settings), `values` (where they are read
//! from), `auth` and `proxies` (groups of settings), and `config` (all of them).

pub mod base_url;
pub mod provider_url;

pub mod server;

mod error;
mod known;
mod values;

mod auth;
mod proxies;

mod config;

#[cfg(test)]
#[path = "../../../engine/src/module_order.rs"]
mod module_order;

pub use self::config::{Config, MODEL_COMMAND, RENDER_COMMAND, WORKER_LISTEN};
pub use self::error::ConfigError;
pub use self::known::FILE;
pub use self::values::RUNNING_SERVICES;
