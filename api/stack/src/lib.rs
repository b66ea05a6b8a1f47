//! Private PostgreSQL and Redis servers, started from the distribution's binaries.
//!
//! `untxt stack start --with-services`, the fault campaign and the tests run on
//! them. A server listens on a free loopback port with a random password, keeps
//! its data in a directory of its own, and ends with the process that started it.

pub mod server;

pub mod postgres;

pub mod redis;
