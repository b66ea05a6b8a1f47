//! Settings of a process.

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use untxt_engine::journal::retention::Retention;
use untxt_plugins::{ChildProgram, EngineLimits, Host, HostConfig, PluginError, Registry, Trust};

use crate::disk_space::DiskLimits;
use crate::documents::limits::Limits as DocumentLimits;
use crate::documents::renderer::{Renderer, RendererConfig};
use crate::fetch::FetchSettings;
use crate::objects::ObjectsConfig;
use crate::task_input::TextLayer;
use crate::webhooks::WebhookSettings;

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
    /// What tasks that do not say so do with text layers.
    pub text_layer: TextLayer,
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
    pub disk_limits: DiskLimits,
    /// Bytes of all page images that are kept on this machine.
    pub page_image_bytes_max: u64,
    /// What each user may ask for.
    pub quota: Quota,
    /// What a document may cost.
    pub document_limits: DocumentLimits,
    /// What a call of an engine may cost.
    pub engine_limits: EngineLimits,
    /// How documents are fetched from URLs.
    pub fetch: FetchSettings,
    /// How users' own servers are told.
    pub webhooks: WebhookSettings,
    /// Decodes documents.
    pub renderer: ChildProgram,
    /// Computes the models of engines.
    pub models: ChildProgram,
}

impl Settings {
    /// What decodes documents under these settings.
    #[must_use]
    pub fn renderer(&self) -> Renderer {
        Renderer::new(RendererConfig {
            program: self.renderer.clone(),
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
            models: Some(self.models.clone()),
        })?;
        Ok(Registry::open(Arc::new(host), self.plugin_dir.clone()).trusting(self.plugin_trust.clone()))
    }
}

/// What a user may ask for; without limits when nothing is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quota {
    /// New tasks within a minute.
    pub uploads_per_minute: Option<NonZeroU32>,
    /// Tasks that have not ended.
    pub in_flight_max: Option<NonZeroU32>,
}
