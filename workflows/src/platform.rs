//! Everything a server or a worker needs, assembled once per process.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use tokio_util::task::AbortOnDropHandle;
use untxt_engine::engine::Engine;
use untxt_engine::id::WorkerName;
use untxt_engine::journal::JournalError;
use untxt_engine::journal::database::Database;
use untxt_plugins::Registry;

use crate::boxed;
use crate::decode_budget::DecodeBudgets;
use crate::disk_space::DiskSpace;
use crate::image_cache::ImageCache;
use crate::objects::{Objects, ObjectsConfig};
use crate::operations::Operations;
use crate::page_images::PageImages;
use crate::records::{OpenError, Records};
use crate::registry;
use crate::resources::Resources;
use crate::settings::Settings;
use crate::tasks::Tasks;
use crate::temp_dirs::{StaleProcesses, TempDirs};
use crate::worker::Worker;

/// The product without its front ends.
pub struct Platform {
    /// What the journal and the tables say.
    pub records: Records,
    /// What users do.
    pub tasks: Tasks,
    /// Images of pages.
    pub page_images: PageImages,
    /// What operators do.
    pub operations: Operations,
    /// What runs the workflows.
    pub worker: Worker,
    settings: Arc<Settings>,
    resources: Arc<Resources>,
    /// Removes what nobody looks at any more.
    _tidying: AbortOnDropHandle<()>,
}

impl Platform {
    /// Assembles everything over `database`, whose tables exist. Claims of processes
    /// of this machine that have died are taken over, and their files are removed.
    ///
    /// # Errors
    /// Each [`OpenError`].
    #[boxed]
    pub async fn open(settings: Settings, database: Database) -> Result<Self, OpenError> {
        let process = WorkerName::unique("untxt").as_str().to_owned();
        let disk = |source| OpenError::DataDir { path: settings.data_dir.clone(), source };
        let tmp = settings.data_dir.join("tmp");
        let disk_space =
            DiskSpace::new(&tmp, database.reserve(), objects_dir(&settings.objects), settings.disk_limits);
        let (temp_dirs, stale) = TempDirs::open(&tmp, &process, disk_space).map_err(disk)?;
        let objects = Objects::connect(settings.objects.clone()).await?;
        let engines = Arc::new(settings.engines()?);
        let decode_budgets = DecodeBudgets::new(database.clone(), settings.document_limits.decode_budget);
        let resources = Arc::new(Resources::new(
            objects,
            Arc::clone(&engines),
            settings.renderer(),
            Arc::new(temp_dirs),
            decode_budgets,
            settings.fetch.clone(),
            ImageCache::new(&settings.data_dir.join("page-images"), settings.page_image_bytes_max),
        ));
        let letters = Arc::default();
        let workflows = registry::workflows(&settings.webhooks, Some(&resources), Some(&letters))?;
        let records = Records::open(&settings, database, workflows).await?;
        letters.work_on(records.engine(), records.database());
        take_over(records.engine(), &stale).await?;
        let settings = Arc::new(settings);
        let tasks = Tasks::new(records.clone(), Arc::clone(&resources), Arc::clone(&settings));
        let operations = Operations::with_engines(records.clone(), Arc::clone(&settings), engines);
        let worker = Worker::new(tasks.clone(), process);
        let page_images = PageImages::new(tasks.clone());
        let tidying = AbortOnDropHandle::new(tokio::spawn(page_images.clone().keep_tidy()));
        Ok(Self { records, tasks, page_images, operations, worker, settings, resources, _tidying: tidying })
    }

    /// The object store.
    #[must_use]
    pub fn objects(&self) -> &Objects {
        &self.resources.objects
    }

    /// The OCR engines.
    #[must_use]
    pub fn engines(&self) -> &Registry {
        &self.resources.engines
    }

    /// The settings it was opened with.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Engine of tasks that name none.
    #[must_use]
    pub fn default_engine(&self) -> &str {
        &self.settings.engine
    }
}

/// The directory of the objects, if they are stored on this machine.
fn objects_dir(objects: &ObjectsConfig) -> Option<&Path> {
    objects.is_embedded().then_some(objects.embedded_dir.as_path())
}

/// Releases the claims of processes that have died: their locks on this machine show
/// it at once, and nobody has to wait until their leases expire.
async fn take_over(engine: &Engine, stale: &StaleProcesses) -> Result<(), JournalError> {
    if stale.dead.is_empty() {
        return Ok(());
    }
    let gone: HashSet<&str> = stale.dead.iter().map(String::as_str).collect();
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
