//! What the journal and the tables say.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio_util::task::AbortOnDropHandle;
use untxt_engine::engine::Engine;
use untxt_engine::id::RunId;
use untxt_engine::journal::database::Database;
use untxt_engine::journal::{Journal, JournalError};
use untxt_engine::time::{Clock, SharedClock};

use crate::connection::Connection;
use crate::ocr::utc;

/// The journal and the tables of tasks. Opening and reading them changes nothing.
/// Clones share one connection.
#[derive(Clone)]
pub struct Records {
    engine: Engine,
    database: Database,
    journal: Arc<dyn Journal>,
    clock: Arc<SharedClock>,
    _following: Arc<AbortOnDropHandle<()>>,
}

impl Records {
    /// Reads through `connection`; `engine` is one of it.
    pub(crate) fn new(connection: Connection, engine: Engine) -> Self {
        let Connection { database, journal, clock, following, .. } = connection;
        Self { engine, database, journal, clock, _following: Arc::new(following) }
    }

    /// The durable engine.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The database.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// The current time of all processes: that of the database's clock, not of this
    /// machine's.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        utc(self.clock.now())
    }

    /// The clock that all processes share.
    #[must_use]
    pub fn clock(&self) -> &Arc<SharedClock> {
        &self.clock
    }

    /// The number of the last event of each of `runs`; see [`Journal::last_seqs`].
    ///
    /// # Errors
    /// Those of [`Journal::last_seqs`].
    pub async fn last_seqs(&self, runs: &[RunId]) -> Result<Vec<(RunId, u64)>, JournalError> {
        self.journal.last_seqs(runs).await
    }
}
