//! The tables, a file a migration, for SQLite and PostgreSQL from the same
//! files. Knows no entity: what a migration once did must not change because
//! the code around it did. A migration that has been released is never edited.
//!
//! `users`, `files`, `tasks`, `removals`, `erasures`, `uploads`, `admissions` and `passes` are the product's,
//! `api_keys` and `tickets` say who may call; `runs`, `events`, `items`,
//! `dead_letters`, `workers`, `audit` and `controls` are the engine's journal. The engine's tables
//! keep times as milliseconds since 1970 and structured values as JSON text (a
//! page's text may hold U+0000, which PostgreSQL's `jsonb` can't). They carry no
//! foreign keys: only the journal writes them, under a lock on the run.

#![allow(elided_lifetimes_in_paths, reason = "a method behind async-trait must repeat its trait's signature")]

pub use sea_orm_migration;
use sea_orm_migration::prelude::*;

mod lay_out;

pub use lay_out::{down, pending, up};

mod m20261123_000001_users;
mod m20261123_000002_files;
mod m20261123_000003_tasks;
mod m20261123_000004_runs;
mod m20261123_000005_events;
mod m20261123_000006_items;
mod m20261123_000007_dead_letters;
mod m20261123_000008_workers;
mod m20261124_000009_runs_in_place;
mod m20261124_000010_letters;
mod m20261124_000011_controls;
mod m20261124_000012_retries_and_retention;
mod m20261124_000013_callers;
mod m20261124_000015_removals;
mod m20261124_000016_uploads;
mod m20261124_000018_admissions;
mod m20261126_000020_raw_rows;
mod m20261126_000021_lists;
mod m20261126_000024_decoding;
mod m20261126_000030_changed_tasks;
mod m20261126_000031_erasures;

/// Every migration, in order.
#[derive(Clone, Copy, Debug, Default)]
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261123_000001_users::Migration),
            Box::new(m20261123_000002_files::Migration),
            Box::new(m20261123_000003_tasks::Migration),
            Box::new(m20261123_000004_runs::Migration),
            Box::new(m20261123_000005_events::Migration),
            Box::new(m20261123_000006_items::Migration),
            Box::new(m20261123_000007_dead_letters::Migration),
            Box::new(m20261123_000008_workers::Migration),
            Box::new(m20261124_000009_runs_in_place::Migration),
            Box::new(m20261124_000010_letters::Migration),
            Box::new(m20261124_000011_controls::Migration),
            Box::new(m20261124_000012_retries_and_retention::Migration),
            Box::new(m20261124_000013_callers::Migration),
            Box::new(m20261124_000015_removals::Migration),
            Box::new(m20261124_000016_uploads::Migration),
            Box::new(m20261124_000018_admissions::Migration),
            Box::new(m20261126_000020_raw_rows::Migration),
            Box::new(m20261126_000021_lists::Migration),
            Box::new(m20261126_000024_decoding::Migration),
            Box::new(m20261126_000030_changed_tasks::Migration),
            Box::new(m20261126_000031_erasures::Migration),
        ]
    }
}
