//! Metrics of calls.

use std::time::Duration;

use metrics::{Label, counter, histogram};

use crate::call_record::CallRecord;
use crate::engine::LoadedEngine;
use crate::error::{ModelFault, PluginError};
use crate::inference::ModelUsage;
use crate::metric_labels::metric_labels;

/// Records a call's duration, memory, use of models and outcome.
pub(crate) fn record_call(
    engine: &LoadedEngine,
    took: Duration,
    record: &CallRecord,
    failure: Option<&PluginError>,
) {
    let mut labels = metric_labels(engine.name(), engine.digest());
    histogram!("untxt_plugin_call_duration_seconds", labels.clone()).record(took);
    // Exact to 8 PiB.
    histogram!("untxt_plugin_memory_peak_bytes", labels.clone()).record(record.peak_bytes as f64);
    if record.models != ModelUsage::default() {
        histogram!("untxt_plugin_model_duration_seconds", labels.clone()).record(record.models.wall);
        counter!("untxt_plugin_model_loads_total", labels.clone()).increment(record.models.loads.into());
    }
    labels.push(Label::new("outcome", failure.map_or("ok", outcome)));
    counter!("untxt_plugin_calls_total", labels).increment(1);
}

/// Counts a quarantine.
pub(crate) fn record_quarantine(name: &str, digest: &str) {
    counter!("untxt_plugin_quarantines_total", metric_labels(name, digest)).increment(1);
}

fn outcome(failure: &PluginError) -> &'static str {
    match failure {
        PluginError::Busy { .. } => "busy",
        PluginError::Cancelled { .. } => "cancelled",
        PluginError::Timeout { .. } => "timeout",
        PluginError::MemoryLimit { .. } => "memory_limit",
        PluginError::Model { fault: ModelFault::Memory { .. }, .. } => "model_memory",
        PluginError::Model { fault: ModelFault::Timeout { .. }, .. } => "model_timeout",
        PluginError::Model { fault: ModelFault::Crashed { .. }, .. } => "model_crashed",
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
