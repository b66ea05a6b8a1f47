//! How far tasks were told again, so that nothing comes a second time when it
//! also comes as it happens.

use std::collections::HashMap;

use untxt_workflows::updates::TaskUpdate;
use uuid::Uuid;

/// Tasks of one generation; two are kept. An update waits in the hub for
/// seconds at most, so none is asked about that long after it was told again.
const TASKS_MAX: usize = 4_096;

/// Last `seq` of each task that was told again.
#[derive(Debug, Default)]
pub(super) struct ReplayCursor {
    recent: HashMap<Uuid, u64>,
    older: HashMap<Uuid, u64>,
}

impl ReplayCursor {
    /// The task was told again up to `seq`.
    pub(super) fn again(&mut self, task: Uuid, seq: u64) {
        if self.recent.len() >= TASKS_MAX {
            self.older = std::mem::take(&mut self.recent);
        }
        self.recent.insert(task, seq);
    }

    /// Up to which `seq` the task was told again.
    pub(super) fn up_to(&self, task: Uuid) -> Option<u64> {
        self.recent.get(&task).or_else(|| self.older.get(&task)).copied()
    }

    /// Whether the update was among what was told again.
    pub(super) fn had(&self, update: &TaskUpdate) -> bool {
        self.up_to(update.task).is_some_and(|last| update.seq <= last)
    }
}
