//! Counts an engine's faults in a row, so that a version that only crashes is
//! taken out of service before it has cost every task its attempts.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::engine::Engine;
use crate::error::PluginError;
use crate::host::Recognized;

/// Versions that are counted; beyond, all begin anew.
const COUNTED_MAX: usize = 1_000;

#[derive(Default)]
pub(super) struct Breaker {
    /// Faults in a row, by name and digest. Who never failed is not here.
    faults: Mutex<HashMap<(String, String), u32>>,
}

impl Breaker {
    /// Takes note of what a call came to. When that was one fault in a row too
    /// many, says so in words, once.
    pub(super) fn heard(&self, engine: &Engine, outcome: &Result<Recognized, PluginError>) -> Option<String> {
        let key = (engine.name().to_owned(), engine.digest().to_owned());
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        let error = match outcome {
            Err(error @ (PluginError::Trapped { .. } | PluginError::Timeout { .. })) => error,
            // Says nothing about the engine.
            Err(PluginError::Cancelled { .. } | PluginError::Busy { .. } | PluginError::Sandbox(_)) => {
                return None;
            }
            // It answered, be it that it can't.
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
        Some(format!("{count} crashes and time-outs in a row, the last: {error}"))
    }
}
