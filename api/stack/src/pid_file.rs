//! What is known about a process of a running stack.

use std::io;

use chrono::Utc;
use serde::{Deserialize, Serialize};

use crate::process_identity::ProcessIdentity;
use crate::service::Service;

/// The content of a pid file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PidFile {
    /// The process.
    #[serde(flatten)]
    pub identity: ProcessIdentity,
    /// Since when it runs, in milliseconds after 1970.
    #[serde(rename = "since")]
    pub since_ms: i64,
    /// The address it listens on, if it does.
    pub address: Option<String>,
    /// A worker's name in the journal.
    pub worker: Option<String>,
    /// How often it was restarted.
    pub restarts: u32,
    /// Why it does not run, and what happens next.
    pub trouble: Option<String>,
    /// The services that a supervisor keeps running.
    #[serde(default)]
    pub services: Vec<Service>,
}

impl PidFile {
    /// The pid file of the process that has this id now.
    ///
    /// # Errors
    /// When there is none, or `/proc` can't be read.
    pub fn of(pid: u32) -> io::Result<Self> {
        let (identity, since_ms) = (ProcessIdentity::of(pid)?, Utc::now().timestamp_millis());
        Ok(Self {
            identity,
            since_ms,
            address: None,
            worker: None,
            restarts: 0,
            trouble: None,
            services: Vec::new(),
        })
    }
}
