//! Runs as this process last wrote them. Whoever holds a run's own slot is alone
//! with it but for a cancel or a rescue, so what it wrote last need not be read
//! again; the version fence of the write tells when it must be.

use std::collections::HashMap;

use crate::id::RunId;
use crate::state::RunState;

/// Runs of one generation; two are kept, so some megabytes at most.
const GENERATION: usize = 1_024;

/// What is remembered. When the young are too many they are the old, and the
/// old are forgotten.
#[derive(Debug, Default)]
pub(super) struct RunCache {
    young: HashMap<RunId, RunState>,
    old: HashMap<RunId, RunState>,
}

impl RunCache {
    /// Takes the run out of memory; whoever takes it brings it back.
    pub(super) fn take(&mut self, run: RunId) -> Option<RunState> {
        self.young.remove(&run).or_else(|| self.old.remove(&run))
    }

    pub(super) fn keep(&mut self, state: RunState) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(state.id, state);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::new_run::NewRun;
    use crate::time::Timestamp;

    fn run() -> RunState {
        RunState::begin(&NewRun::new("w", "t", Value::Null).submitted(1, Timestamp(0))).unwrap()
    }

    #[test]
    fn it_remembers_the_last_ones_and_no_more_than_two_generations() {
        let mut cache = RunCache::default();
        let runs: Vec<RunState> = (0..3 * GENERATION).map(|_| run()).collect();
        runs.iter().cloned().for_each(|run| cache.keep(run));
        assert_eq!(cache.take(runs[0].id), None);
        assert_eq!(cache.take(runs[3 * GENERATION - 1].id), runs.last().cloned());
        assert_eq!(cache.take(runs[3 * GENERATION - 1].id), None, "it was taken");
        assert!(cache.young.len() + cache.old.len() <= 2 * GENERATION);
    }
}
