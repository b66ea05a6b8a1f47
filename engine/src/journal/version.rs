//! Which PostgreSQL is enough.

use crate::journal::database::Database;
use sea_orm::{ConnectionTrait, DbBackend, Statement};

use super::JournalError;
use super::sql::commit_error::CommitError;

/// The oldest PostgreSQL that works, as `server_version_num` has it: 12. The
/// journal's connection sets `plan_cache_mode`, which an older server refuses.
pub const POSTGRES_MIN: u32 = 120_000;

/// The version of the PostgreSQL that `db` is connected to, such as `15.8`, and
/// whether it is new enough; `None` for a SQLite file, which this program brings
/// the library for.
///
/// # Errors
/// [`JournalError::Unavailable`], [`JournalError::Corrupt`].
pub async fn postgres_version(db: &Database) -> Result<Option<(String, bool)>, JournalError> {
    if db.get_database_backend() != DbBackend::Postgres {
        return Ok(None);
    }
    let sql = "SELECT current_setting('server_version'), current_setting('server_version_num')".to_owned();
    let row = db.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await;
    let unclear = |error: sea_orm::DbErr| CommitError::from(error).into_error();
    let Some(row) = row.map_err(unclear)? else { return Ok(None) };
    let (version, number): (String, String) =
        (row.try_get_by_index(0).map_err(unclear)?, row.try_get_by_index(1).map_err(unclear)?);
    let new_enough = number.parse::<u32>().is_ok_and(|number| number >= POSTGRES_MIN);
    Ok(Some((version, new_enough)))
}
