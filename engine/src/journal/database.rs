//! How a database is reached: one URL, SQLite or PostgreSQL.

use std::time::Duration;

use sea_orm::sqlx::pool::PoolOptions;
use sea_orm::sqlx::postgres::PgConnectOptions;
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sea_orm::sqlx::{Connection as _, Database, Postgres};
use sea_orm::{ConnectOptions, DatabaseConnection, DbBackend, SqlxPostgresConnector, SqlxSqliteConnector};

use super::JournalError;
use super::nodelay::send_at_once;
use super::sql::fault::Fault;

/// Connections to PostgreSQL that one process keeps, with the journal's own.
const POSTGRES_CONNECTIONS_MAX: u32 = 20;
/// Connections to a SQLite file, with the journal's own.
const SQLITE_CONNECTIONS_MAX: u32 = 8;
/// A connection that was idle for longer is asked whether it is alive before it
/// is used. No server restarts faster than this, so that nobody is told of one
/// that is over, and under load nobody is asked.
const TRUSTED_FOR: Duration = Duration::from_millis(50);
/// What the journal's own connection asks of PostgreSQL. Its statements carry
/// arrays, find each row by its key and are always the same: they are planned
/// once, and no table is ever read as a whole because it happened to be small
/// when that was.
const JOURNAL_OPTIONS: [(&str, &str); 5] = [
    ("plan_cache_mode", "force_generic_plan"),
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("jit", "off"),
];
/// How long a call waits for a connection before it says that there is none.
const CONNECTION_WAIT: Duration = Duration::from_secs(5);
/// How long a writer of a SQLite file waits for another process's transaction.
const BUSY_WAIT: Duration = Duration::from_secs(10);
/// A PostgreSQL session that stands still inside a transaction holds locks that
/// others need; after this long the server ends it. No statement waits longer
/// for a lock either.
const STANDSTILL_MAX: &str = "10s";

/// Connects to the database at `url` (`sqlite://…` or `postgres://…`). Beyond
/// the first connection the pool heals itself.
///
/// A SQLite file is created when it is missing and written ahead (WAL) with
/// every commit synced; several processes may use it.
///
/// # Errors
/// [`JournalError::Unavailable`] when the URL can't be read or nothing answers
/// there; the text names the URL without its password.
pub async fn connect(url: &str) -> Result<DatabaseConnection, JournalError> {
    check(url)?;
    let mut options = ConnectOptions::new(url);
    let sqlite = url.starts_with("sqlite:");
    options
        .max_connections(if sqlite { SQLITE_CONNECTIONS_MAX } else { POSTGRES_CONNECTIONS_MAX } - 1)
        .test_before_acquire_if_idle_for(TRUSTED_FOR)
        .acquire_timeout(CONNECTION_WAIT)
        .connect_timeout(CONNECTION_WAIT)
        .sqlx_logging(false)
        .map_sqlx_sqlite_opts(|options| {
            options
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .busy_timeout(BUSY_WAIT)
        })
        .map_sqlx_postgres_opts(|options| {
            options.options([
                ("idle_in_transaction_session_timeout", STANDSTILL_MAX),
                ("lock_timeout", STANDSTILL_MAX),
            ])
        });
    if url.starts_with("postgres")
        && let Ok(server) = url.parse::<PgConnectOptions>()
    {
        options.map_sqlx_postgres_pool_opts(move |pool| without_delay(pool, server.get_port()));
    }
    sea_orm::Database::connect(options).await.map_err(|error| {
        let why = Fault::from(error).into_error();
        JournalError::Unavailable(format!("DATABASE_URL is {}: {why}", without_password(url)))
    })
}

/// Refuses what the driver would refuse with the whole URL in its error.
fn check(url: &str) -> Result<(), JournalError> {
    let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
    let why = match scheme {
        "postgres" | "postgresql" => url.parse::<PgConnectOptions>().err().map(|error| error.to_string()),
        "sqlite" => url.parse::<SqliteConnectOptions>().err().map(|error| error.to_string()),
        _ => Some("it begins with neither postgres:// nor sqlite://".to_owned()),
    };
    match why {
        Some(why) => Err(JournalError::Unavailable(format!("DATABASE_URL can't be read: {why}"))),
        None => Ok(()),
    }
}

/// A connection of the journal's own to the database that `db` is connected to:
/// what it prepared stays prepared, and it never waits for readers. It is made
/// when it is first used.
pub(super) fn of_journal(db: &DatabaseConnection) -> DatabaseConnection {
    match db.get_database_backend() {
        DbBackend::Postgres => {
            let options = db.get_postgres_connection_pool().connect_options();
            let options = PgConnectOptions::clone(&options).options(JOURNAL_OPTIONS);
            let pool = without_delay(one_connection(), options.get_port());
            SqlxPostgresConnector::from_sqlx_postgres_pool(pool.connect_lazy_with(options))
        }
        DbBackend::Sqlite => {
            let options = SqliteConnectOptions::clone(&db.get_sqlite_connection_pool().connect_options());
            SqlxSqliteConnector::from_sqlx_sqlite_pool(one_connection().connect_lazy_with(options))
        }
        _ => db.clone(),
    }
}

/// A pool whose connections to `port` send at once what they write.
fn without_delay(pool: PoolOptions<Postgres>, port: u16) -> PoolOptions<Postgres> {
    pool.after_connect(move |_, _| {
        send_at_once(port);
        Box::pin(std::future::ready(Ok(())))
    })
}

fn one_connection<D: Database>() -> PoolOptions<D> {
    PoolOptions::new()
        .max_connections(1)
        .acquire_timeout(CONNECTION_WAIT)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .before_acquire(|connection: &mut D::Connection, about| {
            Box::pin(async move {
                if about.idle_for > TRUSTED_FOR {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
}

/// `url` as it may be shown: the password and what follows a `?` left out.
fn without_password(url: &str) -> String {
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
        assert_eq!(without_password("postgres://me:s3cr@t@db:5432/x?password=no"), "postgres://me@db:5432/x");
        assert_eq!(without_password("postgres://me@db/x"), "postgres://me@db/x");
        assert_eq!(without_password("sqlite:///data/x.db?mode=rwc"), "sqlite:///data/x.db");
        assert_eq!(without_password("me:secret"), "unreadable");
    }

    #[tokio::test]
    async fn a_url_that_can_not_be_read_is_not_shown() {
        for url in [
            "postgres//me:s3cret@db/x",
            "mysql://me:s3cret@db/x",
            "me:s3cret@db/x",
            "postgres://me:s3cret@db:port/x",
            "postgres://me:s3cret@db:5432:5432/x",
            "postgres://me:s3cret@[::1/x",
        ] {
            let error = connect(url).await.unwrap_err().to_string();
            assert!(error.contains("DATABASE_URL") && !error.contains("s3cret"), "{url}: {error}");
        }
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_named() {
        let error = connect("postgres://me:s3cret@127.0.0.1:1/x").await.unwrap_err().to_string();
        assert!(error.contains("DATABASE_URL is postgres://me@127.0.0.1:1/x"), "{error}");
        assert!(!error.contains("s3cret"), "{error}");
    }
}
