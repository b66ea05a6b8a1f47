//! Says what a running process does while nobody asks it for anything:
//!
//! ```sh
//! idle PID [SECONDS]      measures it for so long, a minute unless told otherwise
//! ```
//!
//! Of a `untxt serve` or `untxt worker` with nothing to do this is what its own
//! timers cost. Linux only: it reads what the kernel counts under `/proc`.

#![allow(clippy::print_stdout, reason = "it is a program for a terminal")]

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use anyhow::Context as _;

/// How long it is measured unless told otherwise: the kernel counts processor
/// time in steps of 10 ms, which are 0.02 % of it.
const SECONDS: u64 = 60;

/// The kernel's steps of processor time in a second, on all common machines.
const STEPS_PER_SECOND: f64 = 100.0;

/// What a process has done so far.
struct Done {
    /// Steps of processor time.
    steps: f64,
    /// How often a thread of that name waited for something.
    waits: BTreeMap<String, f64>,
    at: Instant,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let process: u32 = arguments.next().context("it takes the id of a process")?.parse().context("no id")?;
    let seconds =
        arguments.next().map_or(Ok(SECONDS), |text| text.parse()).context("no number of seconds")?;
    let before = done_by(process)?;
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let after = done_by(process)?;
    let took = after.at.duration_since(before.at).as_secs_f64();
    println!("{:.2} % of a core", (after.steps - before.steps) / STEPS_PER_SECOND / took * 100.0);
    for (name, waits) in &after.waits {
        let waits = waits - before.waits.get(name).unwrap_or(&0.0);
        println!("{:8.1} wake-ups a second: {name}", waits / took);
    }
    Ok(())
}

fn done_by(process: u32) -> anyhow::Result<Done> {
    let folder = format!("/proc/{process}");
    let read = |path: String| fs::read_to_string(&path).with_context(|| format!("can't read {path}"));
    let stat = read(format!("{folder}/stat"))?;
    // Behind the name, which may hold anything: user and system time are the
    // twelfth and thirteenth field.
    let fields = stat.rsplit_once(") ").context("the kernel's line about it has no name")?.1;
    let times = fields.split(' ').skip(11).take(2);
    let steps =
        times.map(|field| field.parse::<f64>().context("a time is no number")).sum::<Result<_, _>>()?;
    let mut waits = BTreeMap::new();
    for thread in fs::read_dir(format!("{folder}/task"))? {
        let thread = thread?.path().display().to_string();
        // One that has ended meanwhile is left out.
        let Ok(status) = read(format!("{thread}/status")) else { continue };
        let of = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let counted: f64 = of("voluntary_ctxt_switches:").context("nothing is counted")?.parse()?;
        *waits.entry(of("Name:").unwrap_or("?").to_owned()).or_default() += counted;
    }
    Ok(Done { steps, waits, at: Instant::now() })
}
