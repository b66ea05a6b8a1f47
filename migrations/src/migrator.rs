//! The list of migrations.

use sea_orm_migration::{MigrationTrait, MigratorTrait};

use crate::{
    m20261126_000100_initial, m20261127_000200_sessions, m20261127_000400_redrive_rates,
    m20261127_000500_drained_workers,
};

/// Every migration, in order.
#[derive(Clone, Copy, Debug, Default)]
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261126_000100_initial::Migration),
            Box::new(m20261127_000200_sessions::Migration),
            Box::new(m20261127_000400_redrive_rates::Migration),
            Box::new(m20261127_000500_drained_workers::Migration),
        ]
    }
}
