//! Measures an engine. Wall-clock times depend on the machine, fuel does not.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{Subject, loaded, pages};
use crate::error::PluginError;
use crate::host::Host;

/// Measurements of an engine on an A4 page at 300 dpi. Their JSON is a stored
/// format that only grows.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(from = "Stored")]
pub struct Bench {
    /// Time from the component's bytes to a loaded engine, including compilation.
    pub cold: Duration,
    /// The same with a cached compilation.
    pub warm: Duration,
    /// Median time of a page.
    pub p50: Duration,
    /// 95th percentile of the time of a page.
    pub p95: Duration,
    /// Peak of linear memory.
    pub memory_bytes_peak: usize,
    /// Fuel of a page: about one unit an instruction.
    pub fuel: u64,
    /// Number of measured pages.
    pub pages: u32,
}

impl Bench {
    /// As JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        let ms = |time: Duration| time.as_secs_f64() * 1_000.0;
        json!({
            "coldMs": ms(self.cold),
            "warmMs": ms(self.warm),
            "p50Ms": ms(self.p50),
            "p95Ms": ms(self.p95),
            "peakMemoryBytes": self.memory_bytes_peak,
            "fuel": self.fuel,
            "pages": self.pages,
        })
    }

    /// The ratios to the measurements of `before`.
    #[must_use]
    pub fn ratios(&self, before: &Self) -> [Ratio; 6] {
        let times = |now: Duration, then: Duration| now.as_secs_f64() / then.as_secs_f64();
        let ratio = |name, ratio, judged| Ratio { name, ratio, judged };
        [
            ratio("cold start", times(self.cold, before.cold), false),
            ratio("warm start", times(self.warm, before.warm), false),
            ratio("page, median", times(self.p50, before.p50), true),
            ratio("page, p95", times(self.p95, before.p95), false),
            ratio("peak memory", self.memory_bytes_peak as f64 / before.memory_bytes_peak as f64, true),
            ratio("fuel", self.fuel as f64 / before.fuel as f64, true),
        ]
    }
}

/// The ratio of a measurement to an earlier one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio {
    /// Which measurement.
    pub name: &'static str,
    /// Above 1, the engine got slower or larger.
    pub ratio: f64,
    /// Whether it characterises the engine: a single start and the slowest page
    /// depend more on the machine.
    pub judged: bool,
}

/// As [`Bench::json`] writes it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    cold_ms: f64,
    warm_ms: f64,
    p50_ms: f64,
    p95_ms: f64,
    peak_memory_bytes: usize,
    fuel: u64,
    pages: u32,
}

impl From<Stored> for Bench {
    fn from(stored: Stored) -> Self {
        // An invalid time becomes zero; no ratio to it means anything.
        let time = |ms: f64| Duration::try_from_secs_f64(ms / 1_000.0).unwrap_or_default();
        Self {
            cold: time(stored.cold_ms),
            warm: time(stored.warm_ms),
            p50: time(stored.p50_ms),
            p95: time(stored.p95_ms),
            memory_bytes_peak: stored.peak_memory_bytes,
            fuel: stored.fuel,
            pages: stored.pages,
        }
    }
}

pub(super) async fn run(
    host: &Arc<Host>,
    metered: &Arc<Host>,
    subject: &Subject,
    pages: u32,
) -> Result<Bench, PluginError> {
    let began = Instant::now();
    host.compiled_anew(&subject.package).await?;
    let compiling = began.elapsed();
    loaded(host, subject).await?;
    let began = Instant::now();
    let engine = loaded(host, subject).await?;
    let warm = began.elapsed();
    let page = Arc::new(pages::a4());
    let (mut walls, mut memory_bytes_peak) = (Vec::new(), 0);
    for _ in 0..pages.max(1) {
        let cancel = CancellationToken::new();
        let read = host.recognize(&engine, Arc::clone(&page), subject.options(), cancel).await?;
        walls.push(read.usage.wall);
        memory_bytes_peak = memory_bytes_peak.max(read.usage.memory_bytes_peak);
    }
    walls.sort_unstable();
    let at = |part: usize| walls[(walls.len() * part / 100).min(walls.len() - 1)];
    let engine = loaded(metered, subject).await?;
    let read = metered.recognize(&engine, page, subject.options(), CancellationToken::new()).await?;
    Ok(Bench {
        cold: compiling + warm,
        warm,
        p50: at(50),
        p95: at(95),
        memory_bytes_peak,
        fuel: read.usage.fuel.unwrap_or_default(),
        pages: pages.max(1),
    })
}
