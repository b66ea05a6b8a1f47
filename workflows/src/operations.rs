//! What operators do. Opening it starts no object store, no sandbox and no scratch
//! directory, and takes over no claims, so that commands that look or operate can run
//! beside a server.

use std::sync::Arc;

use tokio::sync::OnceCell;
use untxt_engine::engine::Engine;
use untxt_engine::journal::database::Database;
use untxt_plugins::{PluginError, Registry};

use crate::connection::{Connection, OpenError};
use crate::records::Records;
use crate::redrive::{self, Letters};
use crate::settings::Settings;

/// Operations on dead letters, tasks and queues.
pub struct Operations {
    /// The journal and the tables.
    pub records: Records,
    bulk_engine: Engine,
    settings: Arc<Settings>,
    /// Opened when an engine is named for the first time.
    engines: OnceCell<Arc<Registry>>,
}

impl Operations {
    /// Opens the journal in `database`, whose tables exist.
    ///
    /// # Errors
    /// Each [`OpenError`] but those of the data directory, the store and the sandbox.
    pub async fn open(settings: Settings, database: Database) -> Result<Self, OpenError> {
        let connection = Connection::open(&settings, database).await?;
        let letters = Arc::new(Letters::default());
        let engine = connection.engine(vec![redrive::workflow(&letters)?])?;
        letters.work_on(&engine);
        let records = Records::new(connection, engine.clone());
        Ok(Self { records, bulk_engine: engine, settings: Arc::new(settings), engines: OnceCell::new() })
    }

    /// The operations of a process that has `engines` open; `bulk_engine` runs bulk
    /// redrives and nothing else.
    pub(crate) fn of_platform(
        records: Records,
        bulk_engine: Engine,
        settings: Arc<Settings>,
        engines: Arc<Registry>,
    ) -> Self {
        Self { records, bulk_engine, settings, engines: OnceCell::new_with(Some(engines)) }
    }

    pub(crate) fn engine(&self) -> &Engine {
        self.records.engine()
    }

    /// An engine that runs bulk redrives and nothing else.
    pub(crate) fn bulk_engine(&self) -> &Engine {
        &self.bulk_engine
    }

    /// The OCR engines; the sandbox is set up by the first call.
    ///
    /// # Errors
    /// [`PluginError::Sandbox`] when the machine does not support it.
    pub async fn engines(&self) -> Result<&Registry, PluginError> {
        let open = async || self.settings.engines().map(Arc::new);
        self.engines.get_or_try_init(open).await.map(|engines| &**engines)
    }
}
