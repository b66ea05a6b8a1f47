//! What is counted and timed of calls, for whoever collects it.

use std::time::Duration;

use metrics::{counter, histogram};

use crate::error::PluginError;

/// Counts a call of the engine called `name`, which is the name of a file that
/// an operator put there, and times it.
pub(crate) fn called(name: &str, took: Duration, failure: Option<&PluginError>) {
    let (engine, outcome) = (name.to_owned(), failure.map_or("ok", outcome));
    counter!("untxt_plugin_calls_total", "engine" => engine.clone(), "outcome" => outcome).increment(1);
    histogram!("untxt_plugin_call_duration_seconds", "engine" => engine).record(took);
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
        | PluginError::Shelf { .. }
        | PluginError::Incompatible { .. } => "unusable",
    }
}
