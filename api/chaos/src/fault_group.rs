//! Groups of faults, as they are named on the command line.

use clap::ValueEnum;

use crate::{clocks, disks};

/// A group of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FaultGroup {
    /// Processes of the service are killed.
    Kill,
    /// Redis is flushed, killed and cut off.
    Redis,
    /// PostgreSQL is killed, restarted, cut off and stalled, and takes no writes.
    Postgres,
    /// The store refuses, resets, stalls and asks to slow down.
    S3,
    /// The disks of the service's processes are full.
    Disk,
    /// The clocks of the service's processes are wrong.
    Clock,
}

impl FaultGroup {
    /// What it is called.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Redis => "redis",
            Self::Postgres => "postgres",
            Self::S3 => "s3",
            Self::Disk => "disk",
            Self::Clock => "clock",
        }
    }

    /// Why this machine does not allow for it, if it doesn't.
    pub(crate) fn impossible(self) -> Option<&'static str> {
        match self {
            Self::Disk => disks::impossible(),
            Self::Clock => clocks::impossible(),
            Self::Kill | Self::Redis | Self::Postgres | Self::S3 => None,
        }
    }
}
