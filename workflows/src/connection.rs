//! The database, the journal and the queue, opened without changing anything there.

use std::path::PathBuf;
use std::sync::Arc;

use tokio_util::task::AbortOnDropHandle;
use untxt_engine::definition::DefinitionError;
use untxt_engine::engine::{Engine, EngineBuilder, EngineError};
use untxt_engine::journal::clock::{follow, shared_clock};
use untxt_engine::journal::database::Database;
use untxt_engine::journal::rows::Projection;
use untxt_engine::journal::sql::SqlJournal;
use untxt_engine::journal::workflows::Workflows;
use untxt_engine::journal::{Journal, JournalError};
use untxt_engine::queue::memory::MemoryQueue;
use untxt_engine::queue::redis::RedisQueue;
use untxt_engine::queue::{Queue, QueueError};
use untxt_engine::time::{Clock, SharedClock, SystemClock};
use untxt_engine::workflow::Workflow;
use untxt_plugins::PluginError;

use crate::objects::ObjectError;
use crate::ocr::{self, TaskProjection};
use crate::redrive;
use crate::settings::Settings;
use crate::webhooks::{self, WebhookSettings};

/// Queues of all workflows, also of those that a process does not run.
const QUEUES: [&str; 3] = [ocr::WORKFLOW, redrive::WORKFLOW, webhooks::WORKFLOW];

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
    /// The engine can't be built.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The queue can't be used.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The journal is unavailable.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// What engines of this process share.
pub(crate) struct Connection {
    pub(crate) database: Database,
    pub(crate) journal: Arc<dyn Journal>,
    queue: Arc<dyn Queue>,
    /// The clock that all processes share.
    pub(crate) clock: Arc<SharedClock>,
    /// Keeps `clock` close to the database's.
    pub(crate) following: AbortOnDropHandle<()>,
}

impl Connection {
    /// Connects to the journal in `database`, whose tables exist, and to the queue.
    ///
    /// # Errors
    /// [`OpenError::Definition`], [`OpenError::Queue`], [`OpenError::Journal`].
    pub(crate) async fn open(settings: &Settings, database: Database) -> Result<Self, OpenError> {
        let clock = shared_clock(&database, Arc::new(SystemClock)).await?;
        let following = AbortOnDropHandle::new(tokio::spawn(follow(database.clone(), Arc::clone(&clock))));
        let journal = journal(&database, &settings.webhooks, &clock)?;
        let queue = queue(settings.redis_url.as_deref(), clock.clone())?;
        refuse_cluster(&*queue).await?;
        Ok(Self { database, journal, queue, clock, following })
    }

    /// An engine that runs `workflows` and knows the queues of all.
    ///
    /// # Errors
    /// Those of [`EngineBuilder::build`].
    pub(crate) fn engine(&self, workflows: Vec<Workflow>) -> Result<Engine, EngineError> {
        let builder = Engine::builder(Arc::clone(&self.journal), Arc::clone(&self.queue));
        let builder = QUEUES.into_iter().fold(builder.clock(self.clock.clone()), EngineBuilder::queue);
        workflows.into_iter().fold(builder, EngineBuilder::workflow).build()
    }
}

fn journal(
    database: &Database,
    webhooks: &WebhookSettings,
    clock: &Arc<SharedClock>,
) -> Result<Arc<dyn Journal>, DefinitionError> {
    let definition = ocr::definition()?;
    let steps = definition.steps().iter().map(|step| step.name).collect();
    let projection: Arc<dyn Projection> = Arc::new(TaskProjection::new(steps));
    let workflows = Workflows::new(vec![
        (definition, projection),
        (redrive::definition()?, Arc::new(())),
        (webhooks::definition(webhooks.attempts)?, Arc::new(())),
    ]);
    Ok(Arc::new(SqlJournal::new(database.clone(), workflows, clock.clone(), rand::random::<f64>)))
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
