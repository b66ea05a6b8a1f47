//! A transaction whose connection is given up when it is not known how it ended.

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult, Statement};
use tokio::sync::OwnedSemaphorePermit;

use super::Database;
use super::pool::Pool;

/// A transaction. Dropped, it is taken back; each statement and its end have a
/// deadline.
#[derive(Debug)]
pub struct Transaction {
    begun: DatabaseTransaction,
    database: Database,
    pool: Pool,
    _turn: OwnedSemaphorePermit,
}

impl Transaction {
    pub(super) fn new(
        begun: DatabaseTransaction,
        database: Database,
        pool: Pool,
        turn: OwnedSemaphorePermit,
    ) -> Self {
        Self { begun, database, pool, _turn: turn }
    }

    /// Commits it. When this returns `Ok`, what it wrote can be read through any
    /// other connection.
    ///
    /// # Errors
    /// When the database did not say that it did: it may have been done, or not.
    /// The connection is given up.
    pub async fn commit(self) -> Result<(), DbErr> {
        let Self { begun, database, pool, _turn } = self;
        let ended = database.within(&pool, begun.commit()).await;
        ended.inspect_err(|_| database.give_up(&pool))
    }

    /// Takes it back.
    ///
    /// # Errors
    /// When the database did not say that it did. The connection is given up, and
    /// with it all that was done.
    pub async fn rollback(self) -> Result<(), DbErr> {
        let Self { begun, database, pool, _turn } = self;
        let ended = database.within(&pool, begun.rollback()).await;
        ended.inspect_err(|_| database.give_up(&pool))
    }
}

#[async_trait]
impl ConnectionTrait for Transaction {
    fn get_database_backend(&self) -> DbBackend {
        self.begun.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.database.within(&self.pool, self.begun.execute_raw(statement)).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.database.within(&self.pool, self.begun.execute_unprepared(sql)).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.database.within(&self.pool, self.begun.query_one_raw(statement)).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.database.within(&self.pool, self.begun.query_all_raw(statement)).await
    }
}
