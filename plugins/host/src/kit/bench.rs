//! What an engine costs. The wall clock depends on the machine; the fuel it
//! burns does not.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{Subject, admitted, pages};
use crate::error::PluginError;
use crate::host::Host;

/// Figures of an engine, on an A4 page at 300 dpi.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bench {
    /// From the component's bytes to an engine that described itself, compiled
    /// now.
    pub cold: Duration,
    /// The same when it was compiled before.
    pub warm: Duration,
    /// A page: the median.
    pub p50: Duration,
    /// A page: 95 of 100 take no longer.
    pub p95: Duration,
    /// Most linear memory of a page.
    pub memory_bytes_peak: usize,
    /// Fuel of a page: about one unit an instruction.
    pub fuel: u64,
    /// Pages that were read.
    pub pages: u32,
}

impl Bench {
    /// For machines.
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
    admitted(host, subject).await?;
    let began = Instant::now();
    let engine = admitted(host, subject).await?;
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
    let engine = admitted(metered, subject).await?;
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
