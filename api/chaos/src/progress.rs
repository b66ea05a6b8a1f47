//! How far the service is, read from its database.

use std::time::{Duration, Instant};
use untxt_engine::journal::database::Database;

use sea_orm::{ConnectionTrait, DbErr, Statement};

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A service in which nothing happens for this long has stopped. Longer than
/// any back-off the campaign's faults lead to.
const STANDSTILL: Duration = Duration::from_secs(90);

/// Runs that have not ended.
///
/// # Errors
/// When the database is away.
pub(crate) async fn unfinished(database: &Database) -> Result<u64, DbErr> {
    count(
        database,
        "SELECT count(*) AS n FROM runs \
         WHERE status NOT IN ('completed', 'partial', 'failed', 'cancelled')",
    )
    .await
}

/// What a query for one number `n` says.
///
/// # Errors
/// When the database is away.
pub(crate) async fn count(database: &Database, query: &str) -> Result<u64, DbErr> {
    let row = database.query_one_raw(Statement::from_string(database.get_database_backend(), query)).await?;
    let n: i64 = row.map(|row| row.try_get("", "n")).transpose()?.unwrap_or_default();
    Ok(u64::try_from(n).unwrap_or_default())
}

/// Waits until every run has ended; false when nothing happens any more.
pub(crate) async fn settled(database: &Database) -> bool {
    let mut last = (0, Instant::now());
    loop {
        if unfinished(database).await.is_ok_and(|unfinished| unfinished == 0) {
            return true;
        }
        let events = count(database, "SELECT count(*) AS n FROM events").await.unwrap_or(last.0);
        if events != last.0 {
            last = (events, Instant::now());
        } else if last.1.elapsed() > STANDSTILL {
            return false;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Waits until at least so many runs have ended; how many then, none when
/// nothing happens any more.
pub(crate) async fn ended(database: &Database, at_least: u64) -> Option<u64> {
    let mut last = (0, Instant::now());
    loop {
        let ended = count(database, "SELECT count(*) AS n FROM runs WHERE finished_at_ms IS NOT NULL").await;
        let ended = ended.unwrap_or(last.0);
        if ended >= at_least {
            return Some(ended);
        }
        if ended != last.0 {
            last = (ended, Instant::now());
        } else if last.1.elapsed() > STANDSTILL {
            return None;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
