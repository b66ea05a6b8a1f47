//! Counts consecutive faults of an engine, so that a version that only crashes is
//! quarantined before it has used up the attempts of every task.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::engine::LoadedEngine;
use crate::error::{ModelFault, PluginError};
use crate::host::Recognized;

/// Versions that are counted; beyond, all counts start again.
const COUNTED_MAX: usize = 1_000;

#[derive(Default)]
pub(super) struct Breaker {
    /// Consecutive faults by name and digest; versions without any are absent.
    faults: Mutex<HashMap<(String, String), u32>>,
}

impl Breaker {
    /// Records the outcome of a call. Returns the reason for a quarantine, once, when
    /// the limit of consecutive faults is reached.
    pub(super) fn record(
        &self,
        engine: &LoadedEngine,
        outcome: &Result<Recognized, PluginError>,
    ) -> Option<String> {
        let key = (engine.name().to_owned(), engine.digest().to_owned());
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        let error = match outcome {
            Err(
                error @ (PluginError::Trapped { .. }
                | PluginError::Timeout { .. }
                | PluginError::Model {
                    fault: ModelFault::Crashed { .. } | ModelFault::Timeout { .. },
                    ..
                }),
            ) => error,
            // Says nothing about the engine.
            Err(PluginError::Cancelled { .. } | PluginError::Busy { .. } | PluginError::Sandbox(_)) => {
                return None;
            }
            // It answered, if only with an error.
            _ => {
                faults.remove(&key);
                return None;
            }
        };
        if faults.len() >= COUNTED_MAX {
            faults.clear();
        }
        let count = faults.entry(key.clone()).or_default();
        *count += 1;
        let (count, allowed) = (*count, engine.limits().faults_max);
        if allowed == 0 || count < allowed {
            return None;
        }
        faults.remove(&key);
        Some(format!("{count} consecutive crashes and time-outs, the last one: {error}"))
    }
}
