//! Servers this program starts for itself from the distribution's binaries.

pub mod postgres;
