//! What the sandbox itself costs, and how late it stops a guest:
//! `cargo bench --workspace --bench sandbox`. Medians and worst of many
//! rounds, in microseconds.

#![expect(clippy::print_stdout, reason = "what a benchmark is for")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use untxt_plugins::{
    Class, EngineLimits, Host, HostConfig, LoadedEngine, Options, Page, PixelFormat, PluginError, Registry,
};

/// Guests at once that never end by themselves.
const SPINNING: usize = 64;

/// A guest's time in the rounds that measure how late it is stopped.
const WALL: Duration = Duration::from_millis(200);

#[tokio::main]
async fn main() {
    let cache = tempfile::tempdir().expect("a folder");
    let host = host(cache.path(), 2, EngineLimits::default());
    let engines = cache.path().join("engines");
    std::fs::create_dir(&engines).expect("a folder in it");
    for guest in ["refuse", "simulated-qwen3", "slow", "take", "spin"] {
        let built = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../guests/built/{guest}.wasm"));
        std::fs::copy(built, engines.join(format!("{guest}.wasm"))).expect("the guest is built");
    }
    let engine = |name: &'static str| resolved(&host, &engines, name);

    let (refuse, one) = (engine("refuse").await, Arc::new(pixel()));
    let mut calls = Vec::new();
    for _ in 0..2_000 {
        calls.push(call(&host, &refuse, &one).await);
    }
    tell("a call that refuses a page of one pixel: instance, call, verdict", calls);

    let mut loads = Vec::new();
    for _ in 0..50 {
        // Nothing is remembered but what lies compiled in the cache.
        let fresh = self::host(cache.path(), 1, EngineLimits::default());
        let began = Instant::now();
        resolved(&fresh, &engines, "simulated-qwen3").await;
        loads.push(began.elapsed());
    }
    tell("from a component that was compiled before to an engine that described itself", loads);

    let a4 = Arc::new(page(2_480, 3_508));
    for (name, what) in [
        ("slow", "an A4 page at 300 dpi to a guest that asks for nothing"),
        ("take", "the same page to a guest that takes its pixels, 8.7 MB, and looks at none"),
    ] {
        let engine = engine(name).await;
        let mut calls = Vec::new();
        for _ in 0..100 {
            calls.push(call(&host, &engine, &a4).await);
        }
        tell(what, calls);
    }

    for guests in [1, SPINNING] {
        late(cache.path(), &engines, guests).await;
    }
}

/// How long after its deadline, and after it was cancelled, a call of a guest
/// that spins still takes, with `guests` of them at once.
async fn late(cache: &Path, engines: &Path, guests: usize) {
    let limits = EngineLimits { wall: WALL, ..EngineLimits::default() };
    // Those of the round before leave their places at their next tick.
    let host = host(cache, 2 * guests, limits);
    let spin = resolved(&host, engines, "spin").await;
    let (mut deadline, mut cancelled) = (Vec::new(), Vec::new());
    for _ in 0..(200 / guests).max(5) {
        deadline.extend(ends(&host, &spin, guests, None).await);
        cancelled.extend(ends(&host, &spin, guests, Some(WALL / 2)).await);
    }
    tell(&format!("{guests} spinning, after the deadline"), deadline);
    tell(&format!("{guests} spinning, after they were cancelled"), cancelled);
}

/// How late each of that many calls ends; they are cancelled `after` a while.
async fn ends(
    host: &Arc<Host>,
    spin: &Arc<LoadedEngine>,
    guests: usize,
    after: Option<Duration>,
) -> Vec<Duration> {
    let cancel = CancellationToken::new();
    let mut calls = JoinSet::new();
    for _ in 0..guests {
        let (host, spin, cancel) = (Arc::clone(host), Arc::clone(spin), cancel.clone());
        calls.spawn(async move {
            let due = Instant::now() + WALL;
            let ended = host.recognize(&spin, Arc::new(pixel()), options(), cancel).await;
            (due, Instant::now(), ended.expect_err("it has no end"))
        });
    }
    let mut stopped = None;
    if let Some(after) = after {
        tokio::time::sleep(after).await;
        stopped = Some(Instant::now());
        cancel.cancel();
    }
    let ended = calls.join_all().await;
    let late = |(due, at, error): (Instant, Instant, PluginError)| {
        assert_eq!(error.class() == Class::Cancelled, stopped.is_some(), "{error}");
        at.saturating_duration_since(stopped.unwrap_or(due))
    };
    ended.into_iter().map(late).collect()
}

async fn call(host: &Host, engine: &Arc<LoadedEngine>, page: &Arc<Page>) -> Duration {
    let began = Instant::now();
    let _either = host.recognize(engine, Arc::clone(page), options(), CancellationToken::new()).await;
    began.elapsed()
}

fn host(cache: &Path, concurrency: usize, limits: EngineLimits) -> Arc<Host> {
    let config =
        HostConfig { cache_dir: cache.to_owned(), concurrency, limits, metered: false, models: None };
    Arc::new(Host::new(&config).expect("a sandbox"))
}

async fn resolved(host: &Arc<Host>, engines: &Path, name: &str) -> Arc<LoadedEngine> {
    let registry = Registry::open(Arc::clone(host), engines.to_owned());
    registry.resolve(name).await.expect("it can be used")
}

fn options() -> Options {
    Options { languages: Vec::new(), settings: json!({}), attempt: 1 }
}

fn pixel() -> Page {
    page(1, 1)
}

/// White paper.
fn page(width: u32, height: u32) -> Page {
    let data = vec![u8::MAX; width as usize * height as usize];
    Page::new(0, 1, 300, (width, height), PixelFormat::Luma8, data, Vec::new()).expect("it fits")
}

fn tell(what: &str, mut took: Vec<Duration>) {
    took.sort_unstable();
    let at = |part: usize| took[(took.len() * part / 100).min(took.len() - 1)].as_micros();
    println!("{what}: p50 {}, p99 {}, worst {} µs of {}", at(50), at(99), at(100), took.len());
}
