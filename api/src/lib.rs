//! The product's doors: HTTP and WebSocket.
//!
//! In reading order: [`config`] (what may be set), [`error`], [`views`] and
//! [`letters`] (what goes out), [`feed`] (what happens to tasks, told once for all sockets),
//! [`doors`] (what every route may use), [`operator_views`] and [`queues`], the routes,
//! and [`server`].

pub mod config;

pub mod error;
pub mod feed;
pub mod letters;
pub mod views;

pub mod doors;
pub mod operator_views;
pub mod queues;
mod router;
mod routes;
pub mod server;
