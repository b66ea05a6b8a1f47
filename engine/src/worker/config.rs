//! How a worker works.

use std::num::NonZeroUsize;
use std::time::Duration;

use crate::journal::retention::Retention;

/// Settings of one worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerConfig {
    /// Attempts at a time.
    pub concurrency: NonZeroUsize,
    /// How often it sends a heartbeat to the journal.
    pub heartbeat_every: Duration,
    /// Other workers take over its claims this long after its last heartbeat. The
    /// same for all workers of one journal.
    pub lease: Duration,
    /// How often the queue is compared with the journal.
    pub reconcile_every: Duration,
    /// How long running attempts may go on after the shutdown began.
    pub drain_grace: Duration,
    /// For how long what has ended is kept.
    pub retention: Retention,
    /// Prefix of its name; the rest is random and new with every start.
    pub name_prefix: String,
    /// Names of the workflows it runs; all that have code when absent.
    pub workflows: Option<Vec<&'static str>>,
}

impl Default for WorkerConfig {
    fn default() -> Self {
        Self {
            concurrency: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            heartbeat_every: Duration::from_secs(3),
            lease: Duration::from_secs(15),
            reconcile_every: Duration::from_secs(5),
            drain_grace: Duration::from_secs(25),
            retention: Retention::default(),
            name_prefix: "worker".to_owned(),
            workflows: None,
        }
    }
}

/// Settings with which a worker could not keep its claims.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// One late heartbeat would cost every claim.
    #[error(
        "a lease of {lease:?} is too short for a heartbeat every {heartbeat_every:?}; \
         it must be at least twice as long"
    )]
    LeaseTooShort {
        /// The lease.
        lease: Duration,
        /// The heartbeat interval.
        heartbeat_every: Duration,
    },
}

impl WorkerConfig {
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let (lease, heartbeat_every) = (self.lease, self.heartbeat_every);
        if lease < heartbeat_every * 2 {
            return Err(ConfigError::LeaseTooShort { lease, heartbeat_every });
        }
        Ok(())
    }
}
