//! What the schedules are played on. Journals outlive a crash, and so does a
//! queue in Redis; what stands between them and the engine does not.

use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use untxt_engine::journal::Journal;
use untxt_engine::journal::database::connect;
use untxt_engine::journal::memory::MemoryJournal;
use untxt_engine::journal::sql::SqlJournal;
use untxt_engine::queue::Queue;
use untxt_engine::queue::redis::RedisQueue;
use untxt_engine::time::SystemClock;
use untxt_engine::workflow::{Workflow, Workflows};
use untxt_migrations::Migrator;
use untxt_migrations::sea_orm_migration::MigratorTrait;
use untxt_stack::postgres::Postgres;
use untxt_stack::redis::Redis;

use crate::stage::{LONG, memory_queue};

pub(super) enum Record {
    Memory(MemoryJournal),
    Sqlite(TempDir),
    Postgres(Box<Postgres>),
    PostgresAndRedis(Box<Postgres>, Box<Redis>),
}

/// How long what a dead process pulled stays away.
const LEASE: Duration = Duration::from_millis(200);

impl Record {
    pub(super) fn memory() -> Self {
        Self::Memory(MemoryJournal::new(Workflows::default(), Arc::new(SystemClock), || 0.0))
    }

    pub(super) async fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().unwrap()).migrated().await
    }

    pub(super) async fn postgres() -> Self {
        Self::Postgres(Box::new(Postgres::start().unwrap())).migrated().await
    }

    pub(super) async fn postgres_and_redis() -> Self {
        let (postgres, redis) = (Postgres::start().unwrap(), Redis::start().unwrap());
        Self::PostgresAndRedis(Box::new(postgres), Box::new(redis)).migrated().await
    }

    async fn migrated(self) -> Self {
        Migrator::up(&connect(&self.url()).await.unwrap().for_layout(), None).await.unwrap();
        self
    }

    fn url(&self) -> String {
        match self {
            Self::Memory(_) => String::new(),
            Self::Sqlite(folder) => format!("sqlite://{}/journal.db", folder.path().display()),
            Self::Postgres(server) | Self::PostgresAndRedis(server, _) => server.url(),
        }
    }

    /// Nothing of an earlier play is in the queue.
    pub(super) fn clear_queue(&self) {
        if let Self::PostgresAndRedis(_, redis) = self {
            redis.flush().unwrap();
        }
    }

    /// The queue as a new process opens it: empty unless it outlives processes.
    pub(super) fn queue(&self) -> Arc<dyn Queue> {
        match self {
            Self::PostgresAndRedis(_, redis) => {
                Arc::new(RedisQueue::with_times(&redis.url(), LONG, LEASE).unwrap())
            }
            Self::Memory(_) | Self::Sqlite(_) | Self::Postgres(_) => memory_queue(),
        }
    }

    /// The journal as a new process opens it.
    pub(super) async fn open(&self, workflow: Workflow) -> Arc<dyn Journal> {
        let workflows = Workflows::new([workflow]).unwrap();
        if let Self::Memory(journal) = self {
            return Arc::new(journal.reopen(workflows));
        }
        let db = connect(&self.url()).await.unwrap();
        Arc::new(SqlJournal::new(db, workflows, Arc::new(SystemClock), || 0.0))
    }
}
