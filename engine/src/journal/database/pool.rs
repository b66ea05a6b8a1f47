//! How connections are made, and which of them are used again.

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sea_orm::sqlx::pool::{PoolConnectionMetadata, PoolOptions};
use sea_orm::sqlx::postgres::{PgConnectOptions, PgConnection};
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sea_orm::sqlx::{
    ConnectOptions as _, Connection, Database, Error, Executor as _, Postgres, Row as _, raw_sql,
};
use sea_orm::{DatabaseConnection, DbBackend, DbErr, RuntimeErr, SqlxPostgresConnector, SqlxSqliteConnector};

use crate::journal::nodelay::send_at_once;

/// Connections to PostgreSQL that one process keeps, with the journal's own.
const POSTGRES_CONNECTIONS_MAX: u32 = 20;
/// Connections to a SQLite file, with the journal's own.
const SQLITE_CONNECTIONS_MAX: u32 = 8;
/// A connection that was idle for longer is tested before it is used. No server
/// restarts faster than this, so no caller sees a restart that is over, and under
/// load no connection is tested.
const TRUSTED_FOR: Duration = Duration::from_millis(50);
/// How long a call waits for a connection.
pub(super) const CONNECTION_WAIT: Duration = Duration::from_secs(5);
/// How long a writer of a SQLite file waits for another process's transaction.
const BUSY_WAIT: Duration = Duration::from_secs(10);
/// What each connection asks of PostgreSQL. A session that stands still inside a
/// transaction holds locks that others need; after this long the server ends it.
/// No statement waits longer for a lock either, and none goes on for longer than
/// it is waited for here.
const SETTINGS: &str = "SET idle_in_transaction_session_timeout = '10s'; SET lock_timeout = '10s'; \
                        SET statement_timeout = '12s';";
/// What the journal's own connection asks of PostgreSQL besides. Its statements
/// carry arrays, find each row by its key and are always the same: they are
/// planned once, and no table is ever read as a whole because it happened to be
/// small when that was.
const JOURNAL_SETTINGS: &str = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; \
                                SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off;";

/// How connections to a database are made.
#[derive(Clone, Debug)]
pub(super) enum ConnectionOptions {
    Postgres { options: Box<PgConnectOptions>, journal: bool },
    Sqlite { options: Box<SqliteConnectOptions>, journal: bool },
}

/// The connections until the next reconnect. Clones are the same pool.
#[derive(Clone, Debug)]
pub(super) struct Pool {
    connection: DatabaseConnection,
    given_up: Arc<AtomicBool>,
}

impl ConnectionOptions {
    /// The options in `url`, or why it can't be read, without secrets.
    pub(super) fn parse(url: &str) -> Result<Self, String> {
        match url.split_once(':').map_or("", |(scheme, _)| scheme) {
            "sqlite" => {
                let options = SqliteConnectOptions::from_str(url).map_err(|error| error.to_string())?;
                Ok(Self::Sqlite { options: Box::new(options_of_sqlite(options)), journal: false })
            }
            "postgres" | "postgresql" => {
                let options = PgConnectOptions::from_str(url).map_err(|error| error.to_string())?;
                // Left out, because PgBouncer refuses a session that asks for it.
                let options = options.extra_float_digits(None).disable_statement_logging();
                Ok(Self::Postgres { options: Box::new(options), journal: false })
            }
            _ => Err("it begins with neither postgres:// nor sqlite://".to_owned()),
        }
    }

    /// The same for the journal's own connection, of which there is one.
    pub(super) fn of_journal(&self) -> Self {
        match self.clone() {
            Self::Postgres { options, .. } => Self::Postgres { options, journal: true },
            Self::Sqlite { options, .. } => Self::Sqlite { options, journal: true },
        }
    }

    /// The options and the path of a database that is a file.
    pub(super) fn file(&self) -> Option<(&SqliteConnectOptions, &Path)> {
        let options: &SqliteConnectOptions = match self {
            Self::Sqlite { options, .. } => options,
            Self::Postgres { .. } => return None,
        };
        let path = options.get_filename();
        // The name of a database in memory begins like this.
        (!path.as_os_str().as_encoded_bytes().starts_with(b"file:")).then_some((options, path))
    }

    pub(super) fn backend(&self) -> DbBackend {
        match self {
            Self::Postgres { .. } => DbBackend::Postgres,
            Self::Sqlite { .. } => DbBackend::Sqlite,
        }
    }

    pub(super) fn connections_max(&self) -> u32 {
        match self {
            Self::Postgres { journal: true, .. } | Self::Sqlite { journal: true, .. } => 1,
            Self::Postgres { .. } => POSTGRES_CONNECTIONS_MAX - 1,
            Self::Sqlite { .. } => SQLITE_CONNECTIONS_MAX - 1,
        }
    }

    /// A pool; its connections are made when they are needed.
    pub(super) fn open(&self) -> Pool {
        let given_up = Arc::new(AtomicBool::new(false));
        let connection = match self {
            Self::Postgres { options, journal } => {
                let (journal, port) = (*journal, options.get_port());
                let pool = self.pool::<Postgres>(&given_up).after_connect(move |connection, _| {
                    send_at_once(port);
                    Box::pin(async move {
                        connection.execute(SETTINGS).await?;
                        if journal {
                            connection.execute(JOURNAL_SETTINGS).await?;
                        }
                        Ok(())
                    })
                });
                let options = PgConnectOptions::clone(options);
                SqlxPostgresConnector::from_sqlx_postgres_pool(pool.connect_lazy_with(options))
            }
            Self::Sqlite { options, .. } => {
                let options = SqliteConnectOptions::clone(options);
                SqlxSqliteConnector::from_sqlx_sqlite_pool(self.pool(&given_up).connect_lazy_with(options))
            }
        };
        Pool { connection, given_up }
    }

    /// Connections that were given up, or in which a transaction was left open,
    /// are closed instead of used again.
    fn pool<D: Database>(&self, given_up: &Arc<AtomicBool>) -> PoolOptions<D> {
        let (when_taken, when_returned) = (Arc::clone(given_up), Arc::clone(given_up));
        let options = PoolOptions::new()
            .max_connections(self.connections_max())
            .acquire_timeout(CONNECTION_WAIT)
            .test_before_acquire(false)
            .before_acquire(move |connection: &mut D::Connection, about| {
                let given_up = Arc::clone(&when_taken);
                Box::pin(async move {
                    Ok(!given_up.load(Ordering::Acquire) && is_sound(connection, &about).await?)
                })
            })
            .after_release(move |_, _| {
                Box::pin(std::future::ready(Ok(!when_returned.load(Ordering::Acquire))))
            });
        match self {
            // What its only connection prepared stays prepared.
            Self::Postgres { journal: true, .. } | Self::Sqlite { .. } => {
                options.idle_timeout(None).max_lifetime(None)
            }
            Self::Postgres { .. } => options,
        }
    }
}

/// Whether a connection that comes from the pool can be used: nobody left a
/// transaction open in it, and it answers.
async fn is_sound<C: Connection>(connection: &mut C, about: &PoolConnectionMetadata) -> Result<bool, Error> {
    if connection.is_in_transaction() {
        return Ok(false);
    }
    if about.idle_for > TRUSTED_FOR {
        connection.ping().await?;
    }
    Ok(true)
}

fn options_of_sqlite(options: SqliteConnectOptions) -> SqliteConnectOptions {
    options
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_WAIT)
        .disable_statement_logging()
}

impl Pool {
    pub(super) fn connection(&self) -> &DatabaseConnection {
        &self.connection
    }

    /// The sessions, by their numbers, that a PostgreSQL has for two connections,
    /// each between two transactions.
    pub(super) async fn two_sessions(&self) -> Result<(i32, i32), DbErr> {
        let asked = async {
            let pool = self.connection.get_postgres_connection_pool();
            let (mut first, mut second) = (pool.acquire().await?, pool.acquire().await?);
            Ok((session(&mut first).await?, session(&mut second).await?))
        };
        asked.await.map_err(|error: Error| DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error))))
    }

    /// From now on no connection of it is used again.
    pub(super) fn give_up(&self) {
        self.given_up.store(true, Ordering::Release);
    }

    pub(super) fn is_given_up(&self) -> bool {
        self.given_up.load(Ordering::Acquire)
    }

    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.given_up, &other.given_up)
    }
}

/// Asked without a prepared statement: those are among what a shared session
/// mixes up.
async fn session(connection: &mut PgConnection) -> Result<i32, Error> {
    raw_sql("SELECT pg_backend_pid()").fetch_one(connection).await?.try_get(0)
}

/// `url` as it may be shown: the password and what follows a `?` left out.
pub(super) fn shown(url: &str) -> String {
    let url = url.split_once('?').map_or(url, |(before, _)| before);
    let Some((scheme, rest)) = url.split_once("://") else { return "unreadable".to_owned() };
    let Some((login, host)) = rest.rsplit_once('@') else { return url.to_owned() };
    let user = login.split_once(':').map_or(login, |(user, _)| user);
    format!("{scheme}://{user}@{host}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shown_url_has_no_password() {
        assert_eq!(shown("postgres://me:s3cr@t@db:5432/x?password=no"), "postgres://me@db:5432/x");
        assert_eq!(shown("postgres://me@db/x"), "postgres://me@db/x");
        assert_eq!(shown("sqlite:///data/x.db?mode=rwc"), "sqlite:///data/x.db");
        assert_eq!(shown("me:secret"), "unreadable");
    }
}
