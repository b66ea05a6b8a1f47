//! What a campaign is to do, checked before anything is started.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Parser, ValueEnum, value_parser};

use crate::fault_group::FaultGroup;
use crate::output;

/// What a campaign plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// Everything goes wrong, again and again.
    #[value(alias = "storm")]
    Chaos,
    /// 500 tasks, and one kill -9 half way: of the only worker, then of Redis.
    KillOne,
}

/// Starts PostgreSQL, Redis, an object store, servers and workers of its own, has
/// clients upload documents, and meanwhile kills, restarts and disconnects
/// whatever it started. Then it checks every promise against the database, the
/// store and the disks.
///
/// Exit codes: 0 every promise was kept, 1 one was not or the campaign could not
/// be played, 2 bad usage, 3 a server that it needs is not installed.
#[derive(Debug, Parser)]
#[command(name = "untxt-chaos", version)]
pub(crate) struct Arguments {
    /// What is played.
    #[arg(long, value_enum, default_value_t = Scenario::Chaos)]
    pub(crate) scenario: Scenario,
    /// Documents to upload; more if not every fault has happened by then.
    #[arg(long, default_value_t = 2_000, value_parser = value_parser!(u32).range(1..))]
    pub(crate) tasks: u32,
    /// Seed from which documents and faults are drawn; random if absent.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Groups of faults, comma-separated; by default all that this machine allows.
    #[arg(long, value_enum, value_delimiter = ',')]
    pub(crate) faults: Vec<FaultGroup>,
    /// Worker processes. The private PostgreSQL has connections for six.
    #[arg(long, default_value_t = 3, value_parser = value_parser!(u8).range(1..=6))]
    pub(crate) workers: u8,
    /// Stop uploading after this many minutes.
    #[arg(long, default_value_t = 30, value_parser = value_parser!(u64).range(1..))]
    pub(crate) minutes: u64,
    /// Keep the data and logs of all servers.
    #[arg(long)]
    pub(crate) keep: bool,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// The `untxt` binary under test; by default the one beside this program.
    #[arg(long, value_name = "PATH")]
    pub(crate) untxt: Option<PathBuf>,
    /// Set when this process already has its own mount namespace.
    #[arg(long, hide = true)]
    pub(crate) own_mounts: bool,
}

/// See [`Arguments::own_mounts`].
pub(super) const OWN_MOUNTS: &str = "--own-mounts";

/// The groups that are named, each of which this machine has to allow; without
/// names, all that it allows.
fn groups(named: &[FaultGroup]) -> Result<Vec<FaultGroup>, String> {
    if named.is_empty() {
        return Ok(FaultGroup::value_variants().iter().copied().filter(allowed).collect());
    }
    for group in named {
        if let Some(reason) = group.impossible() {
            return Err(format!("--faults {}: {reason}", group.name()));
        }
    }
    Ok(named.to_vec())
}

/// Reports a group that this machine does not allow, and why.
fn allowed(group: &FaultGroup) -> bool {
    let reason = group.impossible();
    if let Some(reason) = reason {
        output::problem(&format!("without faults of the group {}: {reason}", group.name()));
    }
    reason.is_none()
}

/// Servers of the service.
pub(crate) const APIS: usize = 2;

/// A campaign.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The program under test.
    pub(crate) untxt: PathBuf,
    pub(crate) seed: u64,
    pub(crate) tasks: usize,
    pub(crate) workers: usize,
    pub(crate) faults: Vec<FaultGroup>,
    pub(crate) limit: Duration,
    pub(crate) keep: bool,
    pub(crate) json: bool,
}

impl Plan {
    /// The plan for these arguments.
    ///
    /// # Errors
    /// When the program under test is missing, or a group of faults is named that this
    /// machine does not allow.
    pub(crate) fn of(arguments: &Arguments) -> Result<Self, String> {
        Ok(Self {
            untxt: program(arguments.untxt.as_deref())?,
            seed: arguments.seed.unwrap_or_else(|| u64::from(rand::random::<u32>())),
            tasks: arguments.tasks as usize,
            workers: usize::from(arguments.workers),
            faults: groups(&arguments.faults)?,
            limit: Duration::from_secs(60 * arguments.minutes),
            keep: arguments.keep,
            json: arguments.json,
        })
    }
}

/// The absolute path of the program under test.
fn program(named: Option<&Path>) -> Result<PathBuf, String> {
    let path = match named {
        Some(path) => path.to_owned(),
        None => std::env::current_exe().map_err(|error| error.to_string())?.with_file_name("untxt"),
    };
    path.canonicalize().map_err(|error| {
        format!(
            "{}: {error}; build it first (`cargo build --release`) or name it with --untxt",
            path.display()
        )
    })
}
