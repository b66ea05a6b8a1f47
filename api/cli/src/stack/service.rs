//! What there is to run.

use std::time::Duration;

use rustix::process::Signal;
use serde::{Deserialize, Serialize};

/// A part of the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Service {
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
    pub(super) const ALL: [Self; 4] = [Self::Postgres, Self::Redis, Self::Worker, Self::Api];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Redis => "redis",
            Self::Worker => "worker",
            Self::Api => "api",
        }
    }

    /// What asks it to end in good order. PostgreSQL waits for its clients on
    /// SIGTERM, and cuts them off on SIGINT.
    pub(super) fn farewell(self) -> Signal {
        match self {
            Self::Postgres => Signal::INT,
            Self::Redis | Self::Worker | Self::Api => Signal::TERM,
        }
    }

    /// How long it may take for that. A worker lets its pages finish for 25 s
    /// and gives them back after that; a database writes all of its memory.
    pub(super) fn patience(self) -> Duration {
        Duration::from_secs(match self {
            Self::Postgres => 60,
            Self::Redis => 30,
            Self::Worker => 40,
            Self::Api => 20,
        })
    }
}
