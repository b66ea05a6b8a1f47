//! How a worker works.

use std::num::NonZeroUsize;
use std::time::Duration;

use crate::journal::retention::Retention;

/// Settings of one worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerConfig {
    /// Attempts at once.
    pub concurrency: NonZeroUsize,
    /// How often it says that it is alive, and asks whether what it does is
    /// still wanted.
    pub heartbeat_every: Duration,
    /// After this long a silence others take over what a worker held. The same
    /// for all workers of one journal.
    pub lease: Duration,
    /// How often the queue is compared with the journal.
    pub reconcile_every: Duration,
    /// How long running attempts may go on after the shutdown began.
    pub drain_grace: Duration,
    /// For how long what has ended is kept.
    pub retention: Retention,
    /// What its name begins with; the rest is random and new with every start.
    pub name_prefix: String,
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
        }
    }
}

/// Settings under which a worker could not keep what it claims.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// One late heartbeat would cost every claim.
    #[error(
        "a lease of {lease:?} is too short for a heartbeat every {heartbeat_every:?}; \
         it takes at least twice that"
    )]
    LeaseTooShort {
        /// What is set.
        lease: Duration,
        /// What is set.
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
