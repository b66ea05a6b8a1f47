//! Everything one process needs, put together once.

use std::collections::HashSet;
use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio_util::task::AbortOnDropHandle;
use untxt_engine::definition::DefinitionError;
use untxt_engine::engine::Engine;
use untxt_engine::id::WorkerName;
use untxt_engine::journal::JournalError;
use untxt_engine::journal::clock::{follow, shared_clock};
use untxt_engine::journal::database::Database;
use untxt_engine::journal::retention::Retention;
use untxt_engine::journal::sql::SqlJournal;
use untxt_engine::queue::memory::MemoryQueue;
use untxt_engine::queue::redis::RedisQueue;
use untxt_engine::queue::{Queue, QueueError};
use untxt_engine::time::{Clock, SharedClock, SystemClock};
use untxt_plugins::{EngineLimits, Host, HostConfig, PluginError, Registry, Trust};

use crate::decode_budget::DecodeBudgets;
use crate::documents::limits::Limits as DocumentLimits;
use crate::documents::renderer::{Renderer, RendererConfig};
use crate::doubtful::Waiting;
use crate::objects::{ObjectError, Objects, ObjectsConfig};
use crate::ocr::utc;
use crate::quota::Quota;
use crate::registry::{self, StepResources};
use crate::room::{Room, RoomLimits};
use crate::scratch::{Remains, Scratch};
use crate::webhooks::WebhookSettings;
use crate::workbench::Workbench;

/// What a platform needs to know.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where everything that is kept on this machine lies.
    pub data_dir: PathBuf,
    /// Address of a Redis server for the queue that all processes share; without
    /// one each process has a queue of its own.
    pub redis_url: Option<String>,
    /// Where the files are kept.
    pub objects: ObjectsConfig,
    /// Where engines are looked for.
    pub plugin_dir: PathBuf,
    /// Whose signatures on engines count.
    pub plugin_trust: Trust,
    /// Engine of tasks that name none.
    pub engine: String,
    /// Steps at once.
    pub concurrency: NonZeroUsize,
    /// After this long a silence of a worker others take over what it held. The
    /// same for all workers of one database.
    pub lease: Duration,
    /// For how long what has ended is kept.
    pub retention: Retention,
    /// For how long tasks that ended are kept with their files and results; for
    /// ever when absent.
    pub retain_tasks: Option<Duration>,
    /// Bytes of an upload.
    pub upload_bytes_max: u64,
    /// How much of this machine's disk uploads may take.
    pub room: RoomLimits,
    /// What each user may ask for.
    pub quota: Quota,
    /// What a document may cost.
    pub document_limits: DocumentLimits,
    /// What a call of an engine may cost.
    pub engine_limits: EngineLimits,
    /// How users' own servers are told.
    pub webhooks: WebhookSettings,
    /// A program that decodes documents when it is started with
    /// `renderer_arguments`.
    pub renderer_program: PathBuf,
    /// See `renderer_program`.
    pub renderer_arguments: Vec<OsString>,
}

impl Settings {
    /// What decodes documents under these settings.
    #[must_use]
    pub fn renderer(&self) -> Renderer {
        Renderer::new(RendererConfig {
            program: self.renderer_program.clone(),
            arguments: self.renderer_arguments.clone(),
            limits: self.document_limits,
            pages_at_once: std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
        })
    }

    /// The engines under these settings.
    ///
    /// # Errors
    /// [`PluginError::Sandbox`] when the machine does not allow for it.
    pub fn engines(&self) -> Result<Registry, PluginError> {
        let host = Host::new(&HostConfig {
            cache_dir: self.data_dir.join("cache"),
            concurrency: self.concurrency.get(),
            limits: self.engine_limits,
            metered: false,
        })?;
        Ok(Registry::open(Arc::new(host), self.plugin_dir.clone()).trusting(self.plugin_trust.clone()))
    }
}

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
        let bench = Arc::new(Workbench::new(objects, engines, renderer, Arc::new(scratch), decode_budgets));
        let queue = queue(settings.redis_url.as_deref(), clock.clone())?;
        refuse_cluster(&*queue).await?;
        let resources = StepResources { bench: Arc::clone(&bench), letters: Arc::default() };
        let workflows = registry::workflows(&settings.webhooks, Some(&resources))?;
        let journal = SqlJournal::new(database.clone(), workflows, clock.clone(), rand::random::<f64>);
        let engine = Engine::builder(Arc::new(journal), queue).clock(clock.clone()).build();
        resources.letters.work_on(&engine);
        take_over(&engine, &remains).await?;
        let _following = following;
        Ok(Self { settings, database, engine, bench, doubtful: Arc::default(), clock, _following, process })
    }

    /// The durable engine.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
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
