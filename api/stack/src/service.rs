//! The services of a stack.

use std::time::Duration;

use rustix::process::Signal;
use serde::{Deserialize, Serialize};

/// A part of the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// A private PostgreSQL.
    Postgres,
    /// A private Redis.
    Redis,
    /// `untxt worker`.
    Worker,
    /// `untxt serve --no-worker`.
    Api,
}

impl Service {
    /// All, each after those it needs.
    pub const ALL: [Self; 4] = [Self::Postgres, Self::Redis, Self::Worker, Self::Api];

    /// Its name, also that of its files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Redis => "redis",
            Self::Worker => "worker",
            Self::Api => "api",
        }
    }

    /// The signal that asks it to shut down cleanly. PostgreSQL waits for its clients
    /// on SIGTERM, and disconnects them on SIGINT.
    #[must_use]
    pub fn stop_signal(self) -> Signal {
        match self {
            Self::Postgres => Signal::INT,
            Self::Redis | Self::Worker | Self::Api => Signal::TERM,
        }
    }

    /// How long it may take to shut down. A worker lets its pages finish for 25 s and
    /// returns them to the queue after that; a database writes all of its memory.
    #[must_use]
    pub fn stop_timeout(self) -> Duration {
        Duration::from_secs(match self {
            Self::Postgres => 60,
            Self::Redis => 30,
            Self::Worker => 40,
            Self::Api => 20,
        })
    }
}
