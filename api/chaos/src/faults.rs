//! What goes wrong, and when: drawn from the seed.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use untxt_engine::time::{Clock, SystemClock, Timestamp};
use untxt_stack::faulty_proxy::{FaultyProxy, NetworkFault};
use untxt_stack::postgres::Postgres;
use untxt_stack::redis::Redis;

use crate::children::{Children, Death, Process, Role};
use crate::disks;
use crate::fault_group::FaultGroup;
use crate::output;
use crate::servers::Servers;

/// Between two faults.
const APART_MS: std::ops::Range<u64> = 600..3_000;

/// How long a fault lasts: shorter and longer than a lease.
const LASTS_MS: std::ops::Range<u64> = 0..3_000;

/// The store's faults last so many times as long.
const STORE_LASTS_LONGER: u32 = 2;

/// The database's network is bad for so many times as long: longer than a
/// statement may take.
const DATABASE_LASTS_LONGER: u32 = 4;

/// By how much a clock is wrong: many leases, and more than the longest default
/// lease.
const CLOCK_OFF_S: i32 = 20;

/// A clock's error is noticed within a second, and leases are two.
const CLOCK_LASTS_AT_LEAST: Duration = Duration::from_secs(4);

/// One thing that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// kill -9 of a worker.
    KillWorker,
    /// kill -9 of a server.
    KillApi,
    /// kill -9 of every worker and server at once.
    KillAll,
    /// Redis forgets everything.
    RedisFlush,
    /// Redis ends as in a power cut.
    RedisKill,
    /// See [`NetworkFault`].
    Redis(NetworkFault),
    /// PostgreSQL ends as in a power cut.
    PostgresKill,
    /// PostgreSQL cuts off its clients and restarts at once.
    PostgresRestart,
    /// PostgreSQL answers and takes no writes, as after a failover.
    PostgresReadOnly,
    /// See [`NetworkFault`].
    Postgres(NetworkFault),
    /// See [`NetworkFault`].
    Store(NetworkFault),
    /// No room is left on the disk of a process.
    DiskFull,
    /// The clock of a process is ahead.
    ClockAhead,
    /// The clock of a process is behind.
    ClockBehind,
}

impl Fault {
    /// Those of a group; what happens most often in real life more than once.
    pub(crate) fn of(group: FaultGroup) -> &'static [Self] {
        match group {
            FaultGroup::Kill => {
                &[Self::KillWorker, Self::KillWorker, Self::KillWorker, Self::KillApi, Self::KillAll]
            }
            FaultGroup::Redis => &[
                Self::RedisFlush,
                Self::RedisKill,
                Self::Redis(NetworkFault::Refuse),
                Self::Redis(NetworkFault::Stall),
            ],
            FaultGroup::Postgres => &[
                Self::PostgresKill,
                Self::PostgresRestart,
                Self::PostgresReadOnly,
                Self::Postgres(NetworkFault::Reset),
                Self::Postgres(NetworkFault::Stall),
            ],
            FaultGroup::S3 => &[
                Self::Store(NetworkFault::Refuse),
                Self::Store(NetworkFault::Reset),
                Self::Store(NetworkFault::Stall),
                Self::Store(NetworkFault::SlowDown),
            ],
            FaultGroup::Disk => &[Self::DiskFull, Self::DiskFull],
            FaultGroup::Clock => &[Self::ClockAhead, Self::ClockBehind],
        }
    }

    /// What it is called.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::KillWorker => "kill-worker",
            Self::KillApi => "kill-api",
            Self::KillAll => "kill-all",
            Self::RedisFlush => "redis-flush",
            Self::RedisKill => "redis-kill",
            Self::Redis(NetworkFault::Stall) => "redis-stall",
            Self::Redis(_) => "redis-cut-off",
            Self::PostgresKill => "postgres-kill",
            Self::PostgresRestart => "postgres-restart",
            Self::PostgresReadOnly => "postgres-read-only",
            Self::Postgres(NetworkFault::Stall) => "postgres-stall",
            Self::Postgres(_) => "postgres-cut-off",
            Self::Store(NetworkFault::Refuse) => "s3-refuse",
            Self::Store(NetworkFault::Reset) => "s3-reset",
            Self::Store(NetworkFault::Stall) => "s3-stall",
            Self::Store(NetworkFault::SlowDown | NetworkFault::None) => "s3-slow-down",
            Self::DiskFull => "disk-full",
            Self::ClockAhead => "clock-ahead",
            Self::ClockBehind => "clock-behind",
        }
    }
}

/// A fault that happened.
#[derive(Clone, Debug)]
pub(crate) struct InjectedFault {
    pub(crate) fault: Fault,
    pub(crate) target: String,
    pub(crate) at: Timestamp,
    pub(crate) lasted: Duration,
    /// The processes that it killed.
    pub(crate) deaths: Vec<Death>,
    /// Why it could not be undone, which ends the campaign's worth.
    pub(crate) stuck: Option<String>,
}

/// A fault that is to happen.
struct Drawn {
    fault: Fault,
    after: Duration,
    lasts: Duration,
    which: usize,
}

/// Faults without end: a pack that holds each is shuffled and dealt, again and
/// again, so that none is left out for long.
struct Schedule {
    chance: StdRng,
    all: Vec<Fault>,
    pack: Vec<Fault>,
}

impl Schedule {
    fn new(seed: u64, groups: &[FaultGroup]) -> Self {
        let all = groups.iter().flat_map(|group| Fault::of(*group)).copied().collect();
        Self { chance: StdRng::seed_from_u64(seed), all, pack: Vec::new() }
    }
}

impl Iterator for Schedule {
    type Item = Drawn;

    fn next(&mut self) -> Option<Drawn> {
        if self.pack.is_empty() {
            self.pack.clone_from(&self.all);
            self.pack.shuffle(&mut self.chance);
        }
        Some(Drawn {
            fault: self.pack.pop()?,
            after: Duration::from_millis(self.chance.random_range(APART_MS)),
            lasts: Duration::from_millis(self.chance.random_range(LASTS_MS)),
            which: self.chance.random_range(0..1024),
        })
    }
}

/// What faults are done to. Each thing suffers one fault at a time; different
/// things suffer at the same time.
pub(crate) struct Targets {
    pub(crate) servers: Arc<Servers>,
    pub(crate) children: Arc<Children>,
    redis: Semaphore,
    postgres: Semaphore,
    store: Semaphore,
    disks: Semaphore,
    clocks: Semaphore,
    processes: Semaphore,
    injected: Mutex<Vec<InjectedFault>>,
    began: Timestamp,
}

impl Targets {
    /// Nothing is wrong yet.
    pub(crate) fn new(servers: Arc<Servers>, children: Arc<Children>) -> Self {
        let processes = Semaphore::new(children.processes.len());
        Self {
            servers,
            children,
            redis: Semaphore::new(1),
            postgres: Semaphore::new(1),
            store: Semaphore::new(1),
            disks: Semaphore::new(1),
            clocks: Semaphore::new(1),
            processes,
            injected: Mutex::default(),
            began: SystemClock.now(),
        }
    }

    /// Lets faults happen until `enough` fires; when this returns everything is
    /// well again. Fires `each_struck` once each fault has happened. The faults,
    /// in the order of their ends.
    pub(crate) async fn suffer(
        self: Arc<Self>,
        seed: u64,
        groups: &[FaultGroup],
        (each_struck, enough): (&CancellationToken, &CancellationToken),
    ) -> Vec<InjectedFault> {
        let mut under_way = JoinSet::new();
        let schedule = Schedule::new(seed, groups);
        let kinds = schedule.all.len();
        for (dealt, drawn) in schedule.enumerate() {
            if dealt == kinds {
                each_struck.cancel();
            }
            if enough.run_until_cancelled(tokio::time::sleep(drawn.after)).await.is_none() {
                break;
            }
            under_way.spawn(Arc::clone(&self).inject(drawn));
        }
        // Nothing was dealt when nothing is to go wrong.
        each_struck.cancel();
        while under_way.join_next().await.is_some() {}
        std::mem::take(&mut *self.injected.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn inject(self: Arc<Self>, drawn: Drawn) {
        let Drawn { fault, lasts, which, .. } = drawn;
        let injected = match fault {
            Fault::KillWorker => self.kill(fault, self.one(Role::Worker, which), lasts).await,
            Fault::KillApi => self.kill(fault, self.one(Role::Api, which), lasts).await,
            Fault::KillAll => self.kill(fault, self.children.processes.clone(), lasts).await,
            Fault::RedisFlush | Fault::RedisKill => self.redis(fault, lasts).await,
            Fault::Redis(network) => {
                self.bad_network(fault, &self.redis, &self.servers.redis_network, network, lasts).await
            }
            Fault::PostgresKill | Fault::PostgresRestart => self.postgres(fault, lasts).await,
            Fault::PostgresReadOnly => self.read_only(fault, lasts).await,
            Fault::Postgres(network) => {
                // Longer than a statement may take, now and then.
                let lasts = lasts * DATABASE_LASTS_LONGER;
                self.bad_network(fault, &self.postgres, &self.servers.postgres_network, network, lasts).await
            }
            Fault::DiskFull => self.disk_full(fault, self.any(which), lasts).await,
            Fault::ClockAhead => self.wrong_clock(fault, self.any(which), CLOCK_OFF_S, lasts).await,
            Fault::ClockBehind => self.wrong_clock(fault, self.any(which), -CLOCK_OFF_S, lasts).await,
            Fault::Store(network) => {
                // Longer than its client tries by itself, so that steps fail.
                let lasts = lasts * STORE_LASTS_LONGER;
                self.bad_network(fault, &self.store, &self.servers.store_network, network, lasts).await
            }
        };
        if let Some(injected) = injected {
            self.injected.lock().unwrap_or_else(PoisonError::into_inner).push(injected);
        }
    }

    fn one(&self, role: Role, which: usize) -> Vec<Arc<Process>> {
        let with_role: Vec<_> = self.children.with_role(role).collect();
        with_role
            .get(which % with_role.len().max(1))
            .map(|process| vec![Arc::clone(process)])
            .unwrap_or_default()
    }

    fn any(&self, which: usize) -> Arc<Process> {
        let processes = &self.children.processes;
        Arc::clone(&processes[which % processes.len()])
    }

    async fn read_only(&self, fault: Fault, lasts: Duration) -> Option<InjectedFault> {
        let _turn = self.postgres.acquire().await.ok()?;
        let begun = self.begin(fault, "postgres", lasts);
        let set = self.servers.refuse_writes(true).await;
        tokio::time::sleep(lasts).await;
        let back = self.servers.refuse_writes(false).await;
        Some(InjectedFault { stuck: set.and(back).err(), ..begun })
    }

    async fn disk_full(&self, fault: Fault, victim: Arc<Process>, lasts: Duration) -> Option<InjectedFault> {
        let _turn = self.disks.acquire().await.ok()?;
        let begun = self.begin(fault, &victim.name, lasts);
        let filled = on_disk(&victim, disks::fill).await;
        tokio::time::sleep(lasts).await;
        let freed = on_disk(&victim, disks::free).await;
        Some(InjectedFault { stuck: filled.and(freed).err(), ..begun })
    }

    async fn wrong_clock(
        &self,
        fault: Fault,
        victim: Arc<Process>,
        off_s: i32,
        lasts: Duration,
    ) -> Option<InjectedFault> {
        let _turn = self.clocks.acquire().await.ok()?;
        // Time enough to notice, at most a second, and for some leases to end.
        let lasts = lasts + CLOCK_LASTS_AT_LEAST;
        let clocks = self.children.clocks.as_ref()?;
        let begun = self.begin(fault, &victim.name, lasts);
        let set = clocks.set(&victim.name, off_s);
        tokio::time::sleep(lasts).await;
        let back = clocks.set(&victim.name, 0);
        Some(InjectedFault { stuck: set.and(back).err().map(|error| error.to_string()), ..begun })
    }

    async fn kill(&self, fault: Fault, victims: Vec<Arc<Process>>, lasts: Duration) -> Option<InjectedFault> {
        // One process at a time, or all of them.
        let _turn = self.processes.acquire_many(u32::try_from(victims.len()).ok()?).await.ok()?;
        let names: Vec<&str> = victims.iter().map(|victim| victim.name.as_str()).collect();
        let begun = self.begin(fault, &names.join(" "), lasts);
        let kills = victims.iter().map(|victim| victim.kill(lasts));
        let deaths = futures_util::future::join_all(kills).await.into_iter().flatten().collect();
        Some(InjectedFault { deaths, ..begun })
    }

    async fn redis(&self, fault: Fault, lasts: Duration) -> Option<InjectedFault> {
        let _turn = self.redis.acquire().await.ok()?;
        let begun = self.begin(fault, "redis", lasts);
        if fault == Fault::RedisFlush {
            let flushed = self.servers.with_redis(|server| server.flush()).await;
            return Some(InjectedFault { stuck: flushed.err(), ..begun });
        }
        let killed = self.servers.with_redis(Redis::kill).await;
        tokio::time::sleep(lasts).await;
        let back = self.servers.with_redis(Redis::restart).await;
        Some(InjectedFault { stuck: killed.and(back).err(), ..begun })
    }

    async fn postgres(&self, fault: Fault, lasts: Duration) -> Option<InjectedFault> {
        let _turn = self.postgres.acquire().await.ok()?;
        let begun = self.begin(fault, "postgres", lasts);
        if fault == Fault::PostgresKill {
            let killed = self.servers.with_postgres(Postgres::kill).await;
            tokio::time::sleep(lasts).await;
            let back = self.servers.with_postgres(Postgres::restart).await;
            return Some(InjectedFault { stuck: killed.and(back).err(), ..begun });
        }
        let back = self.servers.with_postgres(Postgres::restart).await;
        Some(InjectedFault { stuck: back.err(), ..begun })
    }

    async fn bad_network(
        &self,
        fault: Fault,
        turns: &Semaphore,
        proxy: &FaultyProxy,
        network: NetworkFault,
        lasts: Duration,
    ) -> Option<InjectedFault> {
        let _turn = turns.acquire().await.ok()?;
        let begun = self.begin(fault, fault.name().split('-').next().unwrap_or_default(), lasts);
        proxy.set(network);
        tokio::time::sleep(lasts).await;
        proxy.set(NetworkFault::None);
        Some(begun)
    }

    /// Says that it happens.
    fn begin(&self, fault: Fault, target: &str, lasts: Duration) -> InjectedFault {
        let at = SystemClock.now();
        let since = at.since(self.began).as_secs_f64();
        let lasts_s = lasts.as_secs_f64();
        output::problem(&format!("{since:>8.3} s  {:<16} {target}, for {lasts_s:.3} s", fault.name()));
        InjectedFault { fault, target: target.to_owned(), at, lasted: lasts, deaths: Vec::new(), stuck: None }
    }
}

/// Does something to the disk of a process that takes a while.
async fn on_disk(
    victim: &Process,
    act: impl FnOnce(&Path) -> io::Result<()> + Send + 'static,
) -> Result<(), String> {
    let dir = victim.data_dir.clone();
    let acted = tokio::task::spawn_blocking(move || act(&dir)).await;
    acted.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn the_same_seed_draws_the_same_faults() {
        let draw = |seed| {
            let drawn = Schedule::new(seed, FaultGroup::value_variants()).take(30);
            drawn.map(|drawn| (drawn.fault.name(), drawn.after, drawn.lasts, drawn.which)).collect::<Vec<_>>()
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }

    #[test]
    fn a_pack_holds_every_fault() {
        let all: Vec<Fault> =
            FaultGroup::value_variants().iter().flat_map(|group| Fault::of(*group)).copied().collect();
        let drawn: Vec<Fault> =
            Schedule::new(1, FaultGroup::value_variants()).take(all.len()).map(|drawn| drawn.fault).collect();
        assert!(all.iter().all(|fault| drawn.contains(fault)));
    }
}
