//! A database as the product uses it: one URL, SQLite or PostgreSQL; every call
//! has a deadline, and no connection that is in doubt is used again.

mod file;
mod listener;
mod pool;
mod reserve;
mod transaction;

#[cfg(test)]
mod tests;

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use sea_orm::sqlx::Error as SqlxError;
use sea_orm::sqlx::sqlite::SqliteConnectOptions;
use sea_orm::{
    ConnAcquireErr, ConnectionTrait, DatabaseConnection, DbBackend, DbErr, ExecResult, QueryResult,
    RuntimeErr, SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use self::pool::{CONNECTION_WAIT, ConnectionOptions, Pool};
pub use self::reserve::Reserve;
pub use self::transaction::Transaction;
use super::JournalError;
use super::sql::commit_error::{CommitError, is_doubtful};
use crate::backoff::pause;

/// How long a statement, or a commit, may take. Longer than anything waits for a
/// lock (10 s), so that such a wait is told as what it is. A server that takes
/// longer counts as silent: the network between may have forgotten the
/// connection, and then no answer ever comes.
const ANSWER_WAIT: Duration = Duration::from_secs(12);

/// Why a pool between this program and PostgreSQL may be no other.
const SHARED_SESSIONS: &str = "a connection pool before it (PgBouncer with pool_mode = transaction or statement) lends one session to \
     several clients, whose settings and prepared statements then mix; set pool_mode = session, or name the \
     server itself";

/// How often two connections are compared. Where others use the same pool, a
/// session that is lent may go to one of them in between.
const SESSIONS_COMPARED: u32 = 3;

/// A database that is used through a pool of connections. Clones are the same.
///
/// Each call ends within 12 s, and 5 s more if all connections are in
/// use. When a server is silent, a commit or a rollback fails, or the
/// server may not be written to any more, the connections of that moment are
/// given up with the pool that holds them, and the next call makes a new one.
#[derive(Clone, Debug)]
pub struct Database(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    options: ConnectionOptions,
    pool: RwLock<Pool>,
    /// One for each connection that there may be. Who holds one and still gets
    /// no connection from the pool knows that the pool does not come by any.
    turns: Arc<Semaphore>,
    answer_wait: Duration,
    /// Of a database that is a file.
    reserve: Option<Reserve>,
}

/// Connects to the database at `url` (`sqlite://…` or `postgres://…`). Beyond
/// the first connection the pool heals itself.
///
/// A SQLite file is created when it is missing and written ahead (WAL) with
/// every commit synced; several processes may use it. A file beside it keeps room
/// for what makes room ([`Reserve`]), where there is any to keep.
///
/// # Errors
/// [`JournalError::Unavailable`] when the URL can't be read or nothing answers
/// there, [`JournalError::Full`] when a file can't be used because its disk is
/// full; the text names the URL without its password.
pub async fn connect(url: &str) -> Result<Database, JournalError> {
    let unreadable = |why| JournalError::Unavailable(format!("DATABASE_URL can't be read: {why}"));
    let database = Database::over(ConnectionOptions::parse(url).map_err(unreadable)?, ANSWER_WAIT);
    let reached = || async { database.reach().await.map_err(|error| CommitError::from(error).into_error()) };
    // A file takes some room to be opened.
    database.making_room(reached, JournalError::is_full).await.map_err(|error| match error {
        JournalError::Unavailable(why) => {
            JournalError::Unavailable(format!("DATABASE_URL is {}: {why}", pool::shown(url)))
        }
        JournalError::Full(why) => {
            JournalError::Full(format!("{why} (DATABASE_URL is {})", pool::shown(url)))
        }
        other => other,
    })?;
    if let Err(error) = database.restore_reserve().await {
        tracing::warn!(%error, "can't reserve disk space beside the database");
    }
    if database.shares_sessions().await.map_err(|error| CommitError::from(error).into_error())? {
        return Err(JournalError::Unavailable(format!(
            "DATABASE_URL is {}: {SHARED_SESSIONS}",
            pool::shown(url)
        )));
    }
    Ok(database)
}

impl Database {
    fn over(options: ConnectionOptions, answer_wait: Duration) -> Self {
        let turns = Arc::new(Semaphore::new(options.connections_max() as usize));
        let pool = RwLock::new(options.open());
        let reserve = options.file().map(|(_, path)| Reserve::of(path));
        Self(Arc::new(Shared { options, pool, turns, answer_wait, reserve }))
    }

    /// Reaches it for the first time.
    async fn reach(&self) -> Result<(), DbErr> {
        if let Some((options, path)) = self.0.options.file() {
            file::found(options, path).await.map_err(of_connection)?;
        }
        self.ping().await
    }

    /// What keeps room for it, if it is a file.
    #[must_use]
    pub fn reserve(&self) -> Option<&Reserve> {
        self.0.reserve.as_ref()
    }

    /// Does `work`, which makes room or is needed to make some. Where a file's
    /// disk is full, as `is_full` says of what `work` failed with, the room that is
    /// kept for that is given up and `work` is done once more; afterwards the room
    /// is kept again, if there is any.
    ///
    /// # Errors
    /// Those of `work`.
    pub async fn making_room<T, E, W>(
        &self,
        work: impl Fn() -> W + Send,
        is_full: fn(&E) -> bool,
    ) -> Result<T, E>
    where
        W: Future<Output = Result<T, E>> + Send,
    {
        let done = work().await;
        let Some(reserve) = self.reserve().filter(|_| done.as_ref().is_err_and(is_full)) else {
            return done;
        };
        match on_disk(reserve, Reserve::release).await {
            Ok(true) => tracing::warn!("the database's disk is full; using the reserved disk space"),
            // What was written ahead may hold as much.
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "can't release the disk space reserved for the database"),
        }
        self.tidy(file::write_back).await;
        let done = work().await;
        self.tidy(file::write_back).await;
        // Whoever connects is told why it can't be kept.
        let _later: io::Result<bool> = self.restore_reserve().await;
        done
    }

    /// Keeps the room again that was given up, once there is as much, and gives
    /// free pages of a file back to its disk. Costs next to nothing when there is
    /// nothing to do.
    pub async fn give_room_back(&self) {
        if self.0.options.file().is_none() {
            return;
        }
        let _told_before: io::Result<bool> = self.restore_reserve().await;
        let asked = Statement::from_string(DbBackend::Sqlite, "PRAGMA freelist_count");
        let free = match self.query_one_raw(asked).await {
            Ok(row) => row.and_then(|row| row.try_get_by_index::<i64>(0).ok()).unwrap_or_default(),
            Err(_) => return,
        };
        if free >= file::FREE_PAGES_MAX {
            self.tidy(file::give_back).await;
        }
    }

    async fn restore_reserve(&self) -> io::Result<bool> {
        match self.reserve() {
            Some(reserve) => on_disk(reserve, Reserve::restore).await,
            None => Ok(false),
        }
    }

    /// Does something to the file that may as well be done later.
    async fn tidy(&self, work: impl AsyncFnOnce(&SqliteConnectOptions) -> Result<(), SqlxError>) {
        let Some((options, _)) = self.0.options.file() else { return };
        if let Err(error) = work(options).await {
            tracing::debug!(%error, "can't return free pages of the database file to the disk now");
        }
    }

    /// A connection of the journal's own to the same database: what it prepared
    /// stays prepared, and it never waits for readers. It is made when it is
    /// first used.
    pub(super) fn of_journal(&self) -> Self {
        Self::over(self.0.options.of_journal(), self.0.answer_wait)
    }

    /// A transaction that may write. On SQLite it is the only writer from its
    /// first statement on (BEGIN IMMEDIATE): what it read can't have been changed
    /// by the time it writes.
    ///
    /// # Errors
    /// When no connection is free or can be made, or the database does not answer.
    pub async fn begin(&self) -> Result<Transaction, DbErr> {
        let (pool, turn) = (self.pool(), self.turn().await?);
        let immediate = Some(SqliteTransactionMode::Immediate);
        let options =
            TransactionOptions { sqlite_transaction_mode: immediate, ..TransactionOptions::default() };
        match self.within(&pool, pool.connection().begin_with_options(options)).await {
            Ok(begun) => Ok(Transaction::new(begun, self.clone(), pool, turn)),
            Err(error) => {
                // SQLite also says here that the connection is inside a
                // transaction that nobody ended.
                if !CommitError::of(&error).is_contended() {
                    self.give_up(&pool);
                }
                Err(error)
            }
        }
    }

    /// What a SQLite file is written ahead to; `None` for a PostgreSQL, and for a
    /// database in memory.
    pub(super) fn wal_path(&self) -> Option<PathBuf> {
        let (_, path) = self.0.options.file()?;
        let mut name = path.as_os_str().to_owned();
        name.push("-wal");
        Some(name.into())
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// Why it does not.
    pub async fn ping(&self) -> Result<(), DbErr> {
        let (pool, _turn) = (self.pool(), self.turn().await?);
        self.within(&pool, pool.connection().ping()).await
    }

    /// Whether it may be written to: a PostgreSQL that was demoted, or is set to
    /// be read only, may not. Then its connections are given up, since the next
    /// ones may lead to another server.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn takes_writes(&self) -> Result<bool, DbErr> {
        if self.get_database_backend() != DbBackend::Postgres {
            return self.ping().await.map(|()| true);
        }
        let pool = self.pool();
        let asked = Statement::from_string(DbBackend::Postgres, "SHOW transaction_read_only");
        let Some(row) = self.query_one_raw(asked).await? else { return Ok(false) };
        let read_only = row.try_get_by_index::<String>(0)? != "off";
        if read_only {
            self.give_up(&pool);
        }
        Ok(!read_only)
    }

    /// Whether something in between lends one session of PostgreSQL's to several
    /// connections at once.
    async fn shares_sessions(&self) -> Result<bool, DbErr> {
        if self.get_database_backend() != DbBackend::Postgres {
            return Ok(false);
        }
        let pool = self.pool();
        for _ in 0..SESSIONS_COMPARED {
            let (first, second) = self.within(&pool, pool.two_sessions()).await?;
            if first == second {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Does `work` over [`Self::for_layout`], which may take as long as it takes (an
    /// index over many rows takes minutes), while PostgreSQL answers: meanwhile it is
    /// asked over another connection, and `work` is given up when it is silent twice
    /// in a row. A file answers or fails.
    ///
    /// # Errors
    /// Those of `work`; that the database fell silent. What `work` did in a
    /// transaction is taken back then.
    pub async fn while_it_answers<T>(
        &self,
        work: impl Future<Output = Result<T, DbErr>>,
    ) -> Result<T, DbErr> {
        if self.get_database_backend() != DbBackend::Postgres {
            return work.await;
        }
        let pool = self.pool();
        let mut work = pin!(work);
        tokio::select! {
            done = work.as_mut() => done,
            silent = self.until_silent() => {
                // Before `work` is dropped and gives its connection back.
                self.give_up(&pool);
                Err(DbErr::Conn(RuntimeErr::Internal(format!(
                    "it did not answer during this call ({silent}); what was not committed is rolled back"
                ))))
            }
        }
    }

    /// Asks for signs of life until two in a row are missing. A server that refuses
    /// (it has too many connections) lives.
    async fn until_silent(&self) -> DbErr {
        let mut was_silent = false;
        loop {
            pause(self.0.answer_wait / 2).await;
            match self.ping().await {
                Err(error) if is_doubtful(&error) => {
                    if was_silent {
                        return error;
                    }
                    was_silent = true;
                }
                _ => was_silent = false,
            }
        }
    }

    /// The same database without deadlines, to lay its tables out; see
    /// [`Self::while_it_answers`].
    #[must_use]
    pub fn for_layout(&self) -> DatabaseConnection {
        self.pool().connection().clone()
    }

    /// Closes all connections. Nothing can be asked after that.
    ///
    /// # Errors
    /// When a connection can't be closed.
    pub async fn close(&self) -> Result<(), DbErr> {
        self.pool().connection().clone().close().await
    }

    fn pool(&self) -> Pool {
        self.0.pool.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn turn(&self) -> Result<OwnedSemaphorePermit, DbErr> {
        let turn = timeout(CONNECTION_WAIT, Arc::clone(&self.0.turns).acquire_owned()).await;
        turn.ok().and_then(Result::ok).ok_or(DbErr::ConnectionAcquire(ConnAcquireErr::Timeout))
    }

    /// Gives up the connections of `pool`, unless that was done already.
    fn give_up(&self, pool: &Pool) {
        pool.give_up();
        let mut current = self.0.pool.write().unwrap_or_else(PoisonError::into_inner);
        if current.is(pool) {
            *current = self.0.options.open();
        }
    }

    /// What `asked` comes to, before the deadline.
    async fn within<T>(
        &self,
        pool: &Pool,
        asked: impl Future<Output = Result<T, DbErr>> + Send,
    ) -> Result<T, DbErr> {
        // What was asked holds a connection: that goes back to its pool when this
        // is dropped, after the pool was given up.
        let mut asked = pin!(asked);
        let answer = timeout(self.0.answer_wait, asked.as_mut()).await;
        let answer = answer.unwrap_or_else(|_| Err(silence(self.0.answer_wait)));
        if let Err(error) = &answer
            && is_doubtful(error)
        {
            self.give_up(pool);
        }
        answer
    }
}

/// On a thread that may wait for the disk.
async fn on_disk<T: Send + 'static>(reserve: &Reserve, work: fn(&Reserve) -> io::Result<T>) -> io::Result<T> {
    let reserve = reserve.clone();
    tokio::task::spawn_blocking(move || work(&reserve)).await.map_err(io::Error::other)?
}

/// Whether `error` says that the disk of the database is full.
#[must_use]
pub fn is_full(error: &DbErr) -> bool {
    matches!(CommitError::of(error), CommitError::Full(_))
}

fn of_connection(error: SqlxError) -> DbErr {
    DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error)))
}

/// An answer that did not come.
fn silence(waited: Duration) -> DbErr {
    DbErr::Conn(RuntimeErr::Internal(format!(
        "it did not answer within {} s; its connections are given up",
        waited.as_secs_f32()
    )))
}

#[async_trait]
impl ConnectionTrait for Database {
    fn get_database_backend(&self) -> DbBackend {
        self.0.options.backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let (pool, _turn) = (self.pool(), self.turn().await?);
        self.within(&pool, pool.connection().execute_raw(statement)).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let (pool, _turn) = (self.pool(), self.turn().await?);
        self.within(&pool, pool.connection().execute_unprepared(sql)).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let (pool, _turn) = (self.pool(), self.turn().await?);
        self.within(&pool, pool.connection().query_one_raw(statement)).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let (pool, _turn) = (self.pool(), self.turn().await?);
        self.within(&pool, pool.connection().query_all_raw(statement)).await
    }
}
