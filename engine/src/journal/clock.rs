//! What time it is in the database. Leases, due times and deadlines are written
//! by one machine and compared by another, so all of them go by this clock.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait, DbBackend, Statement};

use super::JournalError;
use super::sql::commit_error::CommitError;
use crate::backoff::pause;
use crate::journal::database::Database;
use crate::time::{Clock, SharedClock, Timestamp};

/// How often the database is asked: a clock that runs one part in a thousand
/// too fast is off by five milliseconds by then.
const ASK_EVERY: Duration = Duration::from_secs(5);

/// How long an answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// A machine whose clock is further from the database's is warned of. Nothing of
/// the work depends on it; what it writes into logs, and the tokens and
/// certificates it judges, does.
pub const CLOCKS_APART_MAX: Duration = Duration::from_secs(2);

/// A clock that goes by the one of the database, for as long as it is kept
/// being [followed](follow). A SQLite file has no other clock than this
/// machine's, so that there is nothing to be asked.
///
/// # Errors
/// [`JournalError::Unavailable`] when the database does not say what time it is.
pub async fn shared_clock(db: &Database, own: Arc<dyn Clock>) -> Result<Arc<SharedClock>, JournalError> {
    let clock = Arc::new(SharedClock::new(own));
    ask(db, &clock).await?;
    Ok(clock)
}

/// Keeps asking for ever. While the database is away, what it said last counts.
pub async fn follow(db: Database, clock: Arc<SharedClock>) {
    if db.get_database_backend() != DbBackend::Postgres {
        return;
    }
    let mut warned = is_off(&clock);
    loop {
        pause(ASK_EVERY).await;
        if let Err(error) = ask(&db, &clock).await {
            tracing::debug!(%error, "can't read the database's clock");
            continue;
        }
        let off = is_off(&clock);
        if off != warned {
            report(&clock);
        }
        warned = off;
    }
}

/// Logs how far this machine's clock is off, as a warning above
/// [`CLOCKS_APART_MAX`].
pub fn report(clock: &SharedClock) {
    let Some(ahead) = clock.own_is_ahead_ms() else { return };
    let apart = apart(ahead);
    match is_off(clock) {
        true => tracing::warn!("this machine's clock is {apart} the database's; is its time synchronised?"),
        false => tracing::info!("this machine's clock is {apart} the database's"),
    }
}

/// How far a clock is from another one, in words; `ahead` in milliseconds.
#[must_use]
pub fn apart(ahead: i64) -> String {
    let seconds = Duration::from_millis(ahead.unsigned_abs()).as_secs_f64();
    format!("{seconds:.3} s {}", if ahead < 0 { "behind" } else { "ahead of" })
}

fn is_off(clock: &SharedClock) -> bool {
    let ahead = clock.own_is_ahead_ms().unwrap_or_default();
    Duration::from_millis(ahead.unsigned_abs()) > CLOCKS_APART_MAX
}

async fn ask(db: &Database, clock: &SharedClock) -> Result<(), JournalError> {
    if db.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    let sql = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS bigint)".to_owned();
    let asked = Instant::now();
    let answer = db.query_one_raw(Statement::from_string(DbBackend::Postgres, sql));
    let late = || JournalError::Unavailable(format!("it did not return its time within {ANSWER_WITHIN:?}"));
    let row = tokio::time::timeout(ANSWER_WITHIN, answer).await.map_err(|_| late())?;
    let row = row.map_err(|error| CommitError::from(error).into_error())?.ok_or_else(late)?;
    let now: i64 = row.try_get_by_index(0).map_err(|error| JournalError::Corrupt(error.to_string()))?;
    clock.hear(Timestamp(now), asked);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_apart_is_said_in_words() {
        assert_eq!(apart(20_004), "20.004 s ahead of");
        assert_eq!(apart(-12), "0.012 s behind");
    }
}
