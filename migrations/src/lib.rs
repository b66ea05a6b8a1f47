//! The tables, for SQLite and PostgreSQL from the same definitions. They use no
//! entity: what a migration does must not change when the code around it does. A
//! released migration is never edited; a change of the tables is a new migration.
//!
//! In reading order: the migrations, and `runner`, which applies and reverts them.

#![allow(elided_lifetimes_in_paths, reason = "a method behind async-trait must repeat its trait's signature")]

pub use sea_orm_migration;

mod m20261126_000100_initial;
mod m20261127_000200_sessions;
mod m20261127_000400_redrive_rates;
mod m20261127_000500_drained_workers;
mod migrator;

mod adoption;

mod runner;

pub use migrator::Migrator;
pub use runner::{down, pending, status, up};

#[cfg(test)]
#[path = "../../engine/src/module_order.rs"]
mod module_order;
