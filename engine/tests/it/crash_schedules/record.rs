//! The journals that the schedules are played on. They outlive a crash; what
//! stands between them and the engine does not.

use std::sync::Arc;

use tempfile::TempDir;
use untxt_engine::definition::Definition;
use untxt_engine::journal::Journal;
use untxt_engine::journal::database::connect;
use untxt_engine::journal::sql::SqlJournal;
use untxt_engine::journal::workflows::Workflows;
use untxt_engine::services::postgres::Postgres;
use untxt_engine::time::SystemClock;
use untxt_migrations::Migrator;
use untxt_migrations::sea_orm_migration::MigratorTrait;

use crate::stage::memory_journal;

pub(super) enum Record {
    Memory(Arc<dyn Journal>),
    Sqlite(TempDir),
    Postgres(Box<Postgres>),
}

impl Record {
    pub(super) fn memory(definition: &Definition) -> Self {
        Self::Memory(memory_journal(definition))
    }

    pub(super) async fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().unwrap()).migrated().await
    }

    pub(super) async fn postgres() -> Self {
        Self::Postgres(Box::new(Postgres::start().unwrap())).migrated().await
    }

    async fn migrated(self) -> Self {
        Migrator::up(&connect(&self.url()).await.unwrap(), None).await.unwrap();
        self
    }

    fn url(&self) -> String {
        match self {
            Self::Memory(_) => String::new(),
            Self::Sqlite(folder) => format!("sqlite://{}/journal.db", folder.path().display()),
            Self::Postgres(server) => server.url(),
        }
    }

    /// The journal as a new process opens it.
    pub(super) async fn open(&self, definition: &Definition) -> Arc<dyn Journal> {
        if let Self::Memory(journal) = self {
            return Arc::clone(journal);
        }
        let workflows = Workflows::new(vec![(definition.clone(), Arc::new(()))]);
        let db = connect(&self.url()).await.unwrap();
        Arc::new(SqlJournal::new(db, workflows, Arc::new(SystemClock), || 0.0))
    }
}
