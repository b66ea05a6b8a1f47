//! What the journal and the tables say, and the queue beside them. Opening them
//! changes nothing there.

use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio_util::task::AbortOnDropHandle;
use untxt_engine::definition::DefinitionError;
use untxt_engine::engine::Engine;
use untxt_engine::journal::JournalError;
use untxt_engine::journal::clock::{follow, shared_clock};
use untxt_engine::journal::database::Database;
use untxt_engine::journal::sql::SqlJournal;
use untxt_engine::queue::memory::MemoryQueue;
use untxt_engine::queue::redis::RedisQueue;
use untxt_engine::queue::{Queue, QueueError};
use untxt_engine::time::{Clock, SharedClock, SystemClock};
use untxt_engine::workflow::Workflows;
use untxt_plugins::PluginError;

use crate::objects::ObjectError;
use crate::ocr::utc;
use crate::page_figures::KnownFigures;
use crate::settings::Settings;

/// Why something could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The data directory can't be used.
    #[error("can't use the data directory {path}: {source}; UNTXT_DATA_DIR names it", path = .path.display())]
    DataDir {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The object store can't be used.
    #[error(transparent)]
    Objects(#[from] ObjectError),
    /// The sandbox can't be set up.
    #[error(transparent)]
    Plugins(#[from] PluginError),
    /// A workflow's definition is invalid.
    #[error(transparent)]
    Definition(#[from] DefinitionError),
    /// The queue can't be used.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The journal is unavailable.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// The journal and the tables of tasks. Reading them changes nothing. Clones share one
/// connection.
#[derive(Clone)]
pub struct Records {
    engine: Engine,
    database: Database,
    clock: Arc<SharedClock>,
    /// What is known of pages without reading their results again.
    figures: Arc<KnownFigures>,
    /// Keeps `clock` close to the database's.
    _following: Arc<AbortOnDropHandle<()>>,
}

impl Records {
    /// Opens the journal in `database`, whose tables exist, with `workflows`.
    ///
    /// # Errors
    /// [`OpenError::Queue`], [`OpenError::Journal`].
    pub(crate) async fn open(
        settings: &Settings,
        database: Database,
        workflows: Workflows,
    ) -> Result<Self, OpenError> {
        let clock = shared_clock(&database, Arc::new(SystemClock)).await?;
        let following = AbortOnDropHandle::new(tokio::spawn(follow(database.clone(), Arc::clone(&clock))));
        let queue = queue(settings.redis_url.as_deref(), clock.clone())?;
        refuse_cluster(&*queue).await?;
        let journal = SqlJournal::new(database.clone(), workflows, clock.clone(), rand::random::<f64>);
        let engine = Engine::builder(Arc::new(journal), queue).clock(clock.clone()).build();
        Ok(Self { engine, database, clock, figures: Arc::default(), _following: Arc::new(following) })
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

    pub(crate) fn figures(&self) -> &KnownFigures {
        &self.figures
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
}

/// The queue at `redis_url`, or one of this process's own; due times are told by
/// `clock`.
///
/// A server that does not answer now is no reason not to start: what is due
/// stands in the journal, and is pushed once it answers.
///
/// # Errors
/// [`QueueError`] when the URL is not one of a Redis server.
pub fn queue(redis_url: Option<&str>, clock: Arc<dyn Clock>) -> Result<Arc<dyn Queue>, QueueError> {
    Ok(match redis_url {
        Some(url) => Arc::new(RedisQueue::open(url)?.with_clock(clock)),
        None => Arc::new(MemoryQueue::new(clock)),
    })
}

/// A server that is away may come; one of a cluster would never do.
async fn refuse_cluster(queue: &dyn Queue) -> Result<(), QueueError> {
    match queue.server().await {
        Err(error @ QueueError::Cluster { .. }) => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}
