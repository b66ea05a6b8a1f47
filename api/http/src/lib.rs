//! The product's doors: HTTP and WebSocket.
//!
//! In reading order: [`auth`] (who calls), [`codes`] and [`error`] (how requests fail),
//! [`views`] and [`letters`] (what goes out), [`acts`] (what is written down before it is done), [`feed`] (what happens to
//! tasks, told once for all sockets), [`places`] (how many of them), [`turns`] (who reads what was missed), [`patience`] (how
//! long clients may take), [`site`] (where clients see the
//! server), [`arrival`] (where every request begins), [`vitals`] (what a process tells about itself), [`exporter`] (traces),
//! [`doors`] (what every route may use), [`operator_views`], [`plugins`] and [`queues`], the routes,
//! and [`server`].

pub mod auth;

pub mod codes;

pub mod acts;
pub mod arrival;
mod compress;
mod connections;
pub mod error;
mod exchange;
pub mod feed;
mod guard;
pub mod json;
pub mod letters;
mod lingering;
pub mod patience;
pub mod places;
pub mod site;
mod unrouted;
pub mod views;

pub mod exporter;
mod traced;
pub mod turns;
pub mod vitals;

pub mod doors;
mod openapi;
pub mod operator_views;
pub mod plugins;
pub mod queues;
pub mod router;
mod routes;
pub mod server;
