//! Servers this program starts for itself from the distribution's binaries.

pub mod server;

pub mod postgres;

pub mod redis;
