//! What this process pulled and did not acknowledge. It says so in Redis as long
//! as it lives; what nobody vouches for is put back by the next pull of anybody.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use uuid::Uuid;

/// Ids by topic; as many as this process has slots.
#[derive(Debug, Default)]
pub(super) struct Held(Mutex<HashMap<String, HashSet<Uuid>>>);

impl Held {
    pub(super) fn add(&self, topic: &str, ids: impl IntoIterator<Item = Uuid>) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.entry(topic.to_owned()).or_default().extend(ids);
    }

    /// Whether they can be given up in Redis or not: what is not vouched for any
    /// more comes back, and is refused at its claim.
    pub(super) fn remove(&self, topic: &str, ids: &[Uuid]) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(of_topic) = held.get_mut(topic) {
            ids.iter().for_each(|id| {
                of_topic.remove(id);
            });
        }
    }

    pub(super) fn of(&self, topic: &str) -> Vec<Uuid> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.get(topic).map(|ids| ids.iter().copied().collect()).unwrap_or_default()
    }
}
