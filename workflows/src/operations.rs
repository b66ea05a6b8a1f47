//! What operators do. Opening it starts no object store, no sandbox and no scratch
//! directory, and takes over no claims, so that commands that look or operate can run
//! beside a server.

use std::sync::Arc;

use tokio::sync::OnceCell;
use untxt_engine::engine::Engine;
use untxt_engine::journal::database::Database;
use untxt_plugins::{PluginError, Registry};

use crate::boxed;
use crate::records::{OpenError, Records};
use crate::registry;
use crate::settings::Settings;

/// Operations on dead letters, tasks and queues.
pub struct Operations {
    /// The journal and the tables.
    pub records: Records,
    settings: Arc<Settings>,
    /// Opened when an engine is named for the first time.
    engines: OnceCell<Arc<Registry>>,
}

impl Operations {
    /// Opens the journal in `database`, whose tables exist. The only workflow that this
    /// process can run is the one of bulk redrives.
    ///
    /// # Errors
    /// Each [`OpenError`] but those of the data directory, the store and the sandbox.
    #[boxed]
    pub async fn open(settings: Settings, database: Database) -> Result<Self, OpenError> {
        let letters = Arc::default();
        let workflows = registry::workflows(&settings.webhooks, None, Some(&letters))?;
        let records = Records::open(&settings, database, workflows).await?;
        letters.work_on(records.engine(), records.database());
        Ok(Self { records, settings: Arc::new(settings), engines: OnceCell::new() })
    }

    /// The operations of a process that has `engines` open.
    pub(crate) fn with_engines(records: Records, settings: Arc<Settings>, engines: Arc<Registry>) -> Self {
        Self { records, settings, engines: OnceCell::new_with(Some(engines)) }
    }

    pub(crate) fn engine(&self) -> &Engine {
        self.records.engine()
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
