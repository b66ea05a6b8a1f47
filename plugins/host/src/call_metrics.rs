//! Metrics of calls.

use std::time::Duration;

use metrics::{Label, counter, histogram};

use crate::engine::LoadedEngine;
use crate::error::PluginError;

/// Digits of a digest that tell versions of one engine apart.
const DIGEST_DIGITS: usize = 12;

/// Records a call's duration, memory and outcome. Engine names come from operators,
/// so labels are bounded.
pub(crate) fn record_call(
    engine: &LoadedEngine,
    took: Duration,
    peak_bytes: usize,
    failure: Option<&PluginError>,
) {
    let mut labels = labels(engine.name(), engine.digest());
    histogram!("untxt_plugin_call_duration_seconds", labels.clone()).record(took);
    // Exact to 8 PiB.
    histogram!("untxt_plugin_memory_peak_bytes", labels.clone()).record(peak_bytes as f64);
    labels.push(Label::new("outcome", failure.map_or("ok", outcome)));
    counter!("untxt_plugin_calls_total", labels).increment(1);
}

/// Counts a quarantine.
pub(crate) fn record_quarantine(name: &str, digest: &str) {
    counter!("untxt_plugin_quarantines_total", labels(name, digest)).increment(1);
}

fn labels(name: &str, digest: &str) -> Vec<Label> {
    let digest: String = digest.chars().take(DIGEST_DIGITS).collect();
    vec![Label::new("engine", name.to_owned()), Label::new("digest", digest)]
}

fn outcome(failure: &PluginError) -> &'static str {
    match failure {
        PluginError::Busy { .. } => "busy",
        PluginError::Cancelled { .. } => "cancelled",
        PluginError::Timeout { .. } => "timeout",
        PluginError::MemoryLimit { .. } => "memory_limit",
        PluginError::CapabilityDenied { .. } => "capability_denied",
        PluginError::Trapped { .. } => "trapped",
        PluginError::InvalidOutput { .. } => "invalid_output",
        PluginError::Refused { .. } => "refused",
        PluginError::Sandbox(_)
        | PluginError::BadPage { .. }
        | PluginError::NotFound { .. }
        | PluginError::Gone { .. }
        | PluginError::Quarantined { .. }
        | PluginError::Serving { .. }
        | PluginError::NothingEarlier { .. }
        | PluginError::Rejected { .. }
        | PluginError::Package { .. }
        | PluginError::Directory { .. }
        | PluginError::Unreadable { .. }
        | PluginError::Incompatible { .. } => "unusable",
    }
}
