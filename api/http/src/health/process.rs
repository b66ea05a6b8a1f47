//! What the kernel says about this process, under the names that every
//! Prometheus client uses.

use std::fmt::Write;
use std::fs;

use rustix::param::{clock_ticks_per_second, page_size};
use rustix::process::{Resource, getrlimit};

/// The metrics as text; what the kernel does not tell is left out.
pub(super) fn metrics() -> String {
    let mut text = String::new();
    if let Some(stat) = Stat::read() {
        let ticks = clock_ticks_per_second() as f64;
        let cpu = stat.cpu_ticks as f64 / ticks;
        put(&mut text, "process_cpu_seconds_total", "counter", "User and system CPU time.", cpu);
        let resident = stat.resident_pages as f64 * page_size() as f64;
        put(&mut text, "process_resident_memory_bytes", "gauge", "Memory in RAM.", resident);
        let virtual_bytes = stat.virtual_bytes as f64;
        put(&mut text, "process_virtual_memory_bytes", "gauge", "Address space.", virtual_bytes);
        put(&mut text, "process_threads", "gauge", "Threads.", stat.threads as f64);
        if let Some(boot) = boot_seconds() {
            let began = boot + stat.start_ticks as f64 / ticks;
            put(&mut text, "process_start_time_seconds", "gauge", "Start, since 1970.", began);
        }
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        // One of them is the directory itself.
        let open = open.count().saturating_sub(1) as f64;
        put(&mut text, "process_open_fds", "gauge", "Open file descriptors.", open);
    }
    if let Some(most) = getrlimit(Resource::Nofile).current {
        put(&mut text, "process_max_fds", "gauge", "Most open file descriptors.", most as f64);
    }
    text
}

fn put(text: &mut String, name: &str, kind: &str, help: &str, value: f64) {
    // Writing to a string does not fail.
    let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n\n");
}

/// Some fields of `/proc/self/stat`.
struct Stat {
    cpu_ticks: u64,
    threads: u64,
    start_ticks: u64,
    virtual_bytes: u64,
    resident_pages: u64,
}

impl Stat {
    fn read() -> Option<Self> {
        Self::parse(&fs::read_to_string("/proc/self/stat").ok()?)
    }

    /// The name in parentheses may hold anything; the fields after it are
    /// numbered as in proc(5), from 3.
    fn parse(text: &str) -> Option<Self> {
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        Some(Self {
            cpu_ticks: field(14)? + field(15)?,
            threads: field(20)?,
            start_ticks: field(22)?,
            virtual_bytes: field(23)?,
            resident_pages: field(24)?,
        })
    }
}

fn boot_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_measured() {
        let text = metrics();
        for name in ["process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds"] {
            let line = text.lines().find(|line| line.starts_with(name)).unwrap();
            let value: f64 = line.rsplit_once(' ').unwrap().1.parse().unwrap();
            assert!(value >= 0.0, "{line}");
        }
        let odd = Stat::parse("1 (a) b) S 1 1 1 0 -1 4 1 0 0 0 7 5 0 0 20 0 3 0 99 4096 2 0").unwrap();
        assert_eq!((odd.cpu_ticks, odd.threads, odd.start_ticks, odd.resident_pages), (12, 3, 99, 2));
    }
}
