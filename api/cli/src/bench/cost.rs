//! What a measurement costs: the disk's own pace, CPU time, memory. Linux
//! tells; elsewhere the figures are 0.

use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

/// Writes by which the disk's own pace is told.
const SYNCS: usize = 50;

/// CPU time in seconds, all since some start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cpu {
    /// Of this process.
    pub(super) own: f64,
    /// Of all PostgreSQL processes on this machine.
    pub(super) postgres: f64,
    /// Of all Redis processes on this machine.
    pub(super) redis: f64,
}

impl Cpu {
    pub(super) fn now() -> Self {
        Self { own: of_process("self"), postgres: named("postgres"), redis: named("redis-server") }
    }

    /// What was spent since `earlier`.
    pub(super) fn since(self, earlier: Self) -> Self {
        Self {
            own: self.own - earlier.own,
            postgres: self.postgres - earlier.postgres,
            redis: self.redis - earlier.redis,
        }
    }
}

fn named(name: &str) -> f64 {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = processes.filter_map(|entry| entry.file_name().into_string().ok());
    let named = |id: &String| {
        std::fs::read_to_string(format!("/proc/{id}/comm")).is_ok_and(|comm| comm.trim_end() == name)
    };
    ids.filter(named).map(|id| of_process(&id)).sum()
}

/// User and system time of a process (proc(5), clock ticks of 10 ms).
fn of_process(id: &str) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let after_name = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
    let ticks = after_name.split(' ').skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}

/// Median time in milliseconds of a 4 KiB write with fdatasync: the floor under
/// every commit.
pub(super) fn fdatasync_ms(dir: &Path) -> std::io::Result<f64> {
    let mut file = tempfile::tempfile_in(dir)?;
    let mut times = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        let began = Instant::now();
        file.write_all(&[0; 4096])?;
        file.sync_data()?;
        times.push(began.elapsed());
    }
    times.sort();
    Ok(times[SYNCS / 2].as_secs_f64() * 1_000.0)
}

/// Most memory this process had (VmHWM of proc(5)), MiB.
pub(super) fn peak_rss_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kib| kib.parse::<f64>().ok()).unwrap_or_default() / 1024.0
}
