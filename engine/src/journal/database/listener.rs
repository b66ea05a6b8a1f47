//! A connection over which PostgreSQL passes on what other processes tell.

use std::sync::Arc;

use sea_orm::sqlx::Error;
use sea_orm::sqlx::postgres::PgListener;
use sea_orm::{DbErr, RuntimeErr};
use tokio::sync::OwnedSemaphorePermit;

use super::Database;
use super::pool::Pool;

/// Hears what is told on one channel. It has one of the connections for as long
/// as it exists.
pub(in crate::journal) struct Listener {
    listener: PgListener,
    database: Database,
    pool: Pool,
    _turn: OwnedSemaphorePermit,
}

impl Database {
    /// Hears what is told on `channel` from now on, in a PostgreSQL.
    pub(in crate::journal) async fn listen(&self, channel: &str) -> Result<Listener, DbErr> {
        let (pool, turn) = (self.pool(), self.turn().await?);
        let listening = async {
            let of_postgres = pool.connection().get_postgres_connection_pool();
            let mut listener = PgListener::connect_with(of_postgres).await.map_err(failed)?;
            // Made anew by whoever listens, under the deadline of a call.
            listener.eager_reconnect(false);
            listener.listen(channel).await.map_err(failed)?;
            Ok(listener)
        };
        let listener = self.within(&pool, listening).await?;
        Ok(Listener { listener, database: self.clone(), pool, _turn: turn })
    }
}

impl Listener {
    /// Waits until something is told. Nothing is lost when the call is dropped.
    pub(in crate::journal) async fn next(&mut self) -> Result<(), DbErr> {
        let told = self.listener.try_recv().await.map_err(failed)?;
        told.map(drop).ok_or_else(|| lost("the connection ended"))
    }

    /// Asks the server whether it is still there: from one that fell silent
    /// nothing would come for ever.
    pub(in crate::journal) async fn probe(&mut self) -> Result<(), DbErr> {
        if self.pool.is_given_up() {
            return Err(lost("its connections were given up"));
        }
        let asked = async {
            sea_orm::sqlx::Executor::execute(&mut self.listener, "SELECT 1").await.map(drop).map_err(failed)
        };
        self.database.within(&self.pool, asked).await
    }
}

fn failed(error: Error) -> DbErr {
    DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error)))
}

fn lost(why: &str) -> DbErr {
    DbErr::Conn(RuntimeErr::Internal(why.to_owned()))
}
