//! A database that is a file, and how it gives room back to its disk.

use std::path::Path;
use std::time::Duration;

use sea_orm::sqlx::sqlite::{SqliteAutoVacuum, SqliteConnectOptions};
use sea_orm::sqlx::{ConnectOptions as _, Connection as _, Error, Executor as _};

/// How long this waits for whoever reads or writes: nobody is served by it, and
/// the next time does.
const BUSY_WAIT: Duration = Duration::from_millis(500);

/// Free pages (of 4 KiB) from which on some are given back: as many as
/// [`GIVE_BACK`] takes, and 1 MiB that stays for the next commits, which costs
/// less than to give it back and take it again.
pub(super) const FREE_PAGES_MAX: i64 = 1024 + 256;

/// Gives back 4 MiB. Other writers wait for that for some tens of milliseconds.
const GIVE_BACK: &str = "PRAGMA incremental_vacuum(1024)";

/// Writes back what was written ahead, and cuts the file of that to nothing.
const WRITE_BACK: &str = "PRAGMA wal_checkpoint(TRUNCATE)";

/// Makes the file at `path`, unless it is there, so that it can give back pages
/// that are free: that is settled when a file is new. One of an earlier version
/// keeps its pages for later commits.
pub(super) async fn found(options: &SqliteConnectOptions, path: &Path) -> Result<(), Error> {
    if path.metadata().is_ok_and(|file| file.len() > 0) {
        return Ok(());
    }
    options.clone().auto_vacuum(SqliteAutoVacuum::Incremental).connect().await?.close().await
}

/// Writes back what was written ahead, and takes no more room for it.
pub(super) async fn write_back(options: &SqliteConnectOptions) -> Result<(), Error> {
    run(options, &[WRITE_BACK]).await
}

/// Makes the file shorter by pages that are free.
pub(super) async fn give_back(options: &SqliteConnectOptions) -> Result<(), Error> {
    run(options, &[GIVE_BACK, WRITE_BACK]).await
}

/// Over a connection of its own: no other waits as briefly.
async fn run(options: &SqliteConnectOptions, statements: &[&'static str]) -> Result<(), Error> {
    let mut connection = options.clone().busy_timeout(BUSY_WAIT).connect().await?;
    for statement in statements {
        connection.execute(*statement).await?;
    }
    connection.close().await
}
