//! Databases of development builds. Those created the tables of 0.1.0 with many
//! migrations, which the initial migration replaced. A database that has all of them
//! is taken over as it is; one that lacks some can't be.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, Statement};

use crate::m20261126_000100_initial::Migration as Initial;

/// Name of the first migration of development builds.
const FIRST: &str = "m20261123_000001_users";

/// Name of the last one: after it, the tables are those of the initial migration.
const LAST: &str = "m20261126_000031_erasures";

/// Records that a database which has all tables of a development build has the
/// initial migration. Does nothing to any other database.
///
/// # Errors
/// [`DbErr::Custom`] when some of the tables are missing, and what the database says.
pub(crate) async fn adopt(db: &impl ConnectionTrait) -> Result<(), DbErr> {
    let applied = applied(db).await?;
    if !applied.iter().any(|name| name == FIRST) {
        return Ok(());
    }
    if !applied.iter().any(|name| name == LAST) {
        return Err(DbErr::Custom(format!(
            "this database was created by a development build older than 0.1.0 and lacks tables (its last migration \
             is {}); use a new database",
            applied.iter().max().map_or("unknown", String::as_str)
        )));
    }
    let initial = Initial.name();
    let backend = db.get_database_backend();
    let rename = format!("UPDATE seaql_migrations SET version = '{initial}' WHERE version = '{LAST}'");
    let forget = format!("DELETE FROM seaql_migrations WHERE version < '{LAST}'");
    for statement in [forget, rename] {
        db.execute_raw(Statement::from_string(backend, statement)).await?;
    }
    Ok(())
}

/// Names of the migrations that were applied.
///
/// # Errors
/// What the database says, also when no migration was ever applied.
pub(crate) async fn applied(db: &impl ConnectionTrait) -> Result<Vec<String>, DbErr> {
    let query = "SELECT version FROM seaql_migrations".to_owned();
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), query)).await?;
    rows.iter().map(|row| row.try_get("", "version")).collect()
}
