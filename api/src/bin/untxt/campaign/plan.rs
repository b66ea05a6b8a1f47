//! What a campaign is to do, checked before anything is started.

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::faults::Group;
use crate::failure::Failure;
use crate::output;

/// What a campaign plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// Everything goes wrong, again and again.
    Storm,
    /// 500 tasks, and one kill -9 half way: of the only worker, then of Redis.
    KillOne,
}

/// Starts PostgreSQL, Redis, an object store, servers and workers of its own, has
/// clients upload documents, and meanwhile kills, restarts and cuts off
/// whatever it started. Then it checks every promise against the database, the
/// store and the disks; exit code 1 when one was not kept.
#[derive(Debug, Args)]
pub(crate) struct CampaignArguments {
    /// What is played.
    #[arg(long, value_enum, default_value_t = Scenario::Storm)]
    pub(crate) scenario: Scenario,
    /// Documents to upload; more when not every fault has happened by then.
    #[arg(long, default_value_t = 2_000)]
    pub(crate) tasks: usize,
    /// What the documents and the faults are drawn from; any when absent.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// What goes wrong, comma-separated: kill, redis, postgres, s3, disk, clock;
    /// when absent, all that can be done on this machine.
    #[arg(long)]
    pub(crate) faults: Option<String>,
    /// Worker processes.
    #[arg(long, default_value_t = WORKERS)]
    pub(crate) workers: usize,
    /// No document is uploaded after so many minutes.
    #[arg(long, default_value_t = MINUTES)]
    pub(crate) minutes: u64,
    /// Leave data and logs of the servers behind.
    #[arg(long)]
    pub(crate) keep: bool,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// It has a mount namespace of its own already.
    #[arg(long, hide = true)]
    pub(crate) own_mounts: bool,
}

/// See [`CampaignArguments::own_mounts`].
pub(super) const OWN_MOUNTS: &str = "--own-mounts";

impl CampaignArguments {
    /// So many tasks under these faults, and everything else as it is unasked.
    pub(crate) fn of(tasks: usize, faults: String, json: bool) -> Self {
        let scenario = Scenario::Storm;
        Self {
            scenario,
            tasks,
            seed: None,
            faults: Some(faults),
            workers: WORKERS,
            minutes: MINUTES,
            keep: false,
            json,
            own_mounts: false,
        }
    }
}

/// The groups that are named, each of which has to be possible here; else all
/// that are.
fn groups(named: Option<&str>) -> Result<Vec<Group>, Failure> {
    let Some(named) = named else { return Ok(Group::ALL.into_iter().filter(left_in).collect()) };
    let names = named.split(',').filter(|name| !name.is_empty());
    names
        .map(|name| {
            let group: Group = name.parse()?;
            match group.impossible() {
                Some(reason) => Err(format!("{name}: {reason}")),
                None => Ok(group),
            }
        })
        .collect::<Result<_, String>>()
        .map_err(|error| Failure::usage(format!("--faults: {error}")))
}

/// Says what is left out, and why.
fn left_in(group: &Group) -> bool {
    let reason = group.impossible();
    if let Some(reason) = reason {
        output::problem(&format!("without faults of the group {}: {reason}", group.name()));
    }
    reason.is_none()
}

/// Servers of the service.
pub(crate) const APIS: usize = 2;

/// Worker processes when none are asked for.
const WORKERS: usize = 3;

/// Minutes of uploading when none are asked for.
const MINUTES: u64 = 30;

/// More processes than that want more memory and connections than the private
/// PostgreSQL gives.
const WORKERS_MAX: usize = 6;

/// A campaign.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) tasks: usize,
    pub(crate) workers: usize,
    pub(crate) faults: Vec<Group>,
    pub(crate) limit: Duration,
    pub(crate) keep: bool,
    pub(crate) json: bool,
}

impl Plan {
    /// What the arguments say.
    ///
    /// # Errors
    /// When they can't be meant.
    pub(crate) fn of(arguments: &CampaignArguments) -> Result<Self, Failure> {
        if arguments.tasks == 0 || arguments.minutes == 0 {
            return Err(Failure::usage("--tasks and --minutes are at least 1"));
        }
        if !(1..=WORKERS_MAX).contains(&arguments.workers) {
            return Err(Failure::usage(format!("--workers is 1 to {WORKERS_MAX}")));
        }
        Ok(Self {
            seed: arguments.seed.unwrap_or_else(|| u64::from(rand::random::<u32>())),
            tasks: arguments.tasks,
            workers: arguments.workers,
            faults: groups(arguments.faults.as_deref())?,
            limit: Duration::from_secs(60 * arguments.minutes),
            keep: arguments.keep,
            json: arguments.json,
        })
    }
}
