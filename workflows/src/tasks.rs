//! What users do: submit tasks, upload files, erase.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use untxt_engine::engine::Engine;
use untxt_engine::journal::database::Database;

use crate::boxed;
use crate::disk_space::DiskSpace;
use crate::incoming::{Incoming, IncomingError};
use crate::orphan_objects::OrphanObjects;
use crate::records::Records;
use crate::resources::Resources;
use crate::settings::Settings;

/// Tasks of users, with all that is needed to create and to erase them. Clones share
/// everything.
#[derive(Clone)]
pub struct Tasks {
    /// The journal and the tables.
    pub records: Records,
    resources: Arc<Resources>,
    settings: Arc<Settings>,
    orphans: Arc<OrphanObjects>,
}

impl Tasks {
    pub(crate) fn new(records: Records, resources: Arc<Resources>, settings: Arc<Settings>) -> Self {
        Self { records, resources, settings, orphans: Arc::default() }
    }

    /// Begins to receive a file of the largest size that is allowed.
    ///
    /// # Errors
    /// Those of [`Incoming::begin`].
    #[boxed]
    pub async fn receive(&self) -> Result<Incoming, IncomingError> {
        Incoming::begin(&self.resources.temp_dirs, self.settings.upload_bytes_max).await
    }

    /// The disk space that uploads may use.
    #[must_use]
    pub fn disk_space(&self) -> &DiskSpace {
        self.resources.temp_dirs.disk_space()
    }

    pub(crate) fn engine(&self) -> &Engine {
        self.records.engine()
    }

    pub(crate) fn database(&self) -> &Database {
        self.records.database()
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.records.now()
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn resources(&self) -> &Resources {
        &self.resources
    }

    /// Objects that may belong to no task and are not recorded yet.
    pub(crate) fn orphans(&self) -> &Arc<OrphanObjects> {
        &self.orphans
    }
}
