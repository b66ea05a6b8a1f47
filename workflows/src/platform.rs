//! Everything one process needs, put together once.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio_util::task::AbortOnDropHandle;
use untxt_engine::definition::DefinitionError;
use untxt_engine::engine::{Engine, EngineBuilder, EngineError};
use untxt_engine::id::WorkerName;
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

use crate::decode_budget::DecodeBudgets;
use crate::doubtful::Waiting;
use crate::objects::{ObjectError, Objects, ObjectsConfig};
use crate::ocr::{self, TaskProjection, utc};
use crate::redrive::{self, Letters};
use crate::room::Room;
use crate::scratch::{Remains, Scratch};
use crate::settings::Settings;
use crate::webhooks::{self, WebhookSettings};
use crate::workbench::Workbench;

/// Why a platform could not be put together.
#[derive(Debug, thiserror::Error)]
pub enum PlatformError {
    /// The data directory can't be used.
    #[error("can't use the data directory {path}: {source}; UNTXT_DATA_DIR names it", path = .path.display())]
    DataDir {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The store can't be used.
    #[error(transparent)]
    Objects(#[from] ObjectError),
    /// The sandbox can't be set up.
    #[error(transparent)]
    Plugins(#[from] PluginError),
    /// The workflow is not one.
    #[error(transparent)]
    Definition(#[from] DefinitionError),
    /// The engine can't be put together.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The queue can't be set up.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The journal does not answer.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// The product, but for its doors.
pub struct Platform {
    settings: Settings,
    database: Database,
    engine: Engine,
    bulk_engine: Engine,
    bench: Arc<Workbench>,
    doubtful: Arc<Waiting>,
    /// What all processes go by.
    clock: Arc<SharedClock>,
    _following: AbortOnDropHandle<()>,
    /// Name of this process, unique over all time; also its workers' prefix.
    process: String,
}

impl Platform {
    /// Puts everything together over `database`, whose tables are laid out.
    /// What processes that are gone held is taken over, what they left on this
    /// machine is removed.
    ///
    /// # Errors
    /// Each [`PlatformError`].
    pub async fn open(settings: Settings, database: Database) -> Result<Self, PlatformError> {
        let process = WorkerName::unique("untxt").as_str().to_owned();
        let disk = |source| PlatformError::DataDir { path: settings.data_dir.clone(), source };
        let tmp = settings.data_dir.join("tmp");
        let room = Room::new(&tmp, database.reserve(), objects_dir(&settings.objects), settings.room);
        let (scratch, remains) = Scratch::open(&tmp, &process, room).map_err(disk)?;
        let objects = Objects::connect(settings.objects.clone()).await?;
        let engines = settings.engines()?;
        let renderer = settings.renderer();
        let decode_budgets = DecodeBudgets::new(database.clone(), settings.document_limits.decode_budget);
        let clock = shared_clock(&database, Arc::new(SystemClock)).await?;
        let following = AbortOnDropHandle::new(tokio::spawn(follow(database.clone(), Arc::clone(&clock))));
        let journal = journal(&database, &settings.webhooks, &clock)?;
        let bench = Arc::new(Workbench::new(
            Arc::clone(&journal),
            objects,
            engines,
            renderer,
            Arc::new(scratch),
            decode_budgets,
        ));
        let queue = queue(settings.redis_url.as_deref(), clock.clone())?;
        refuse_cluster(&*queue).await?;
        let letters = Arc::new(Letters::default());
        let redrive = redrive::workflow(&letters)?;
        let webhook = webhooks::workflow(&settings.webhooks)?;
        let engine =
            engine(&journal, &queue, &clock, vec![ocr::workflow(&bench)?, redrive.clone(), webhook])?;
        letters.work_on(&engine);
        let bulk_engine = self::engine(&journal, &queue, &clock, vec![redrive])?;
        take_over(&engine, &remains).await?;
        let _following = following;
        Ok(Self {
            settings,
            database,
            engine,
            bulk_engine,
            bench,
            doubtful: Arc::default(),
            clock,
            _following,
            process,
        })
    }

    /// The durable engine.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The same journal and queue with nothing but the workflow that goes through
    /// many letters: for a process that works on nothing else.
    #[must_use]
    pub fn bulk_engine(&self) -> &Engine {
        &self.bulk_engine
    }

    /// What the steps work with.
    #[must_use]
    pub fn bench(&self) -> &Arc<Workbench> {
        &self.bench
    }

    /// The tables.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// What time it is for all processes: by the database's clock, whatever this
    /// machine's says.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        utc(self.clock.now())
    }

    /// That clock.
    #[must_use]
    pub fn clock(&self) -> &Arc<SharedClock> {
        &self.clock
    }

    /// What it was put together with.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Engine of tasks that name none.
    #[must_use]
    pub fn default_engine(&self) -> &str {
        &self.settings.engine
    }

    /// Objects that may be nobody's and are not written down yet.
    pub(crate) fn doubtful(&self) -> &Arc<Waiting> {
        &self.doubtful
    }

    /// Name of this process.
    #[must_use]
    pub fn process(&self) -> &str {
        &self.process
    }
}

/// Where objects are kept on this machine, if they are.
fn objects_dir(objects: &ObjectsConfig) -> Option<&Path> {
    objects.is_embedded().then_some(objects.embedded_dir.as_path())
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

fn engine(
    journal: &Arc<dyn Journal>,
    queue: &Arc<dyn Queue>,
    clock: &Arc<SharedClock>,
    workflows: Vec<Workflow>,
) -> Result<Engine, EngineError> {
    let builder = Engine::builder(Arc::clone(journal), Arc::clone(queue)).clock(clock.clone());
    workflows.into_iter().fold(builder, EngineBuilder::workflow).build()
}

/// What a process that is gone held is free at once: its lock on this machine
/// says so, and nobody has to wait for its lease to run out.
async fn take_over(engine: &Engine, remains: &Remains) -> Result<(), JournalError> {
    if remains.dead.is_empty() {
        return Ok(());
    }
    let gone: HashSet<&str> = remains.dead.iter().map(String::as_str).collect();
    let workers = engine.workers().await?.into_iter().map(|worker| worker.name);
    let dead: Vec<WorkerName> = workers.filter(|worker| gone.contains(process_of(worker))).collect();
    let claims = engine.declare_dead(&dead).await?;
    tracing::info!(workers = dead.len(), claims, "reclaimed claims of dead processes");
    Ok(())
}

/// A worker's name is its process's with a random part behind it.
fn process_of(worker: &WorkerName) -> &str {
    worker.as_str().rsplit_once('-').map_or(worker.as_str(), |(process, _)| process)
}
