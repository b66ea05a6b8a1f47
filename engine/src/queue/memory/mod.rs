//! A queue inside this process. It dies with the process; the journal fills
//! the next one.

mod allowance;
mod deliveries;
mod level;

#[cfg(test)]
mod properties;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Notify;
use tokio::time::Instant;
use uuid::Uuid;

use self::deliveries::Deliveries;
use super::{AGE_STEP, Depth, PRIORITY_MAX, Pulled, Queue, QueueError};
use crate::controls::{Controls, CurrentControls};
use crate::decide::Scheduled;
use crate::time::Clock;

/// Deliveries a topic holds unless told otherwise: some tens of megabytes. What
/// finds no room stays in the journal, which offers it again.
pub const CAPACITY: usize = 100_000;

/// A queue in memory, one for each process.
pub struct MemoryQueue {
    clock: Arc<dyn Clock>,
    capacity: usize,
    age_step: Duration,
    topics: Mutex<HashMap<String, Arc<Topic>>>,
    controls: CurrentControls,
}

struct Topic {
    deliveries: Mutex<Deliveries>,
    /// Something was pushed, released or freed, or the controls changed.
    changed: Notify,
}

impl Topic {
    fn with<T>(&self, change: impl FnOnce(&mut Deliveries) -> T) -> T {
        // Nothing that runs under this lock panics half-way through a change.
        change(&mut self.deliveries.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl MemoryQueue {
    /// An empty queue that holds up to [`CAPACITY`] deliveries a topic.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self::with_capacity(clock, CAPACITY)
    }

    /// An empty queue that holds up to `capacity` deliveries a topic.
    #[must_use]
    pub fn with_capacity(clock: Arc<dyn Clock>, capacity: usize) -> Self {
        let (topics, controls) = (Mutex::default(), CurrentControls::default());
        Self { clock, capacity, age_step: AGE_STEP, topics, controls }
    }

    /// The same queue, in which a delivery counts one level higher for each
    /// `age_step` that it waited.
    #[must_use]
    pub fn with_age_step(mut self, age_step: Duration) -> Self {
        self.age_step = age_step;
        self
    }

    fn topic(&self, name: &str) -> Arc<Topic> {
        let mut topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(topic) = topics.get(name) {
            return Arc::clone(topic);
        }
        let deliveries = Mutex::new(Deliveries::new(self.age_step));
        let topic = Arc::new(Topic { deliveries, changed: Notify::new() });
        topics.insert(name.to_owned(), Arc::clone(&topic));
        topic
    }
}

#[async_trait]
impl Queue for MemoryQueue {
    async fn push(&self, topic: &str, deliveries: &[Scheduled]) -> Result<usize, QueueError> {
        let (topic, now) = (self.topic(topic), self.clock.now());
        let (fits, new) = topic.with(|held| {
            let before = held.len();
            let fits = deliveries.iter().all(|due| {
                let fits = held.len() < self.capacity;
                if fits {
                    held.push(due, now);
                }
                fits
            });
            (fits, held.len().saturating_sub(before))
        });
        topic.changed.notify_waiters();
        let capacity = self.capacity;
        fits.then_some(new).ok_or(QueueError::Full { capacity })
    }

    async fn pull(&self, topic: &str, max: usize, patience: Duration) -> Result<Vec<Pulled>, QueueError> {
        let (name, topic) = (topic, self.topic(topic));
        let patient_until = Instant::now() + patience;
        loop {
            let changed = topic.changed.notified();
            tokio::pin!(changed);
            // Armed before looking, so that a push in between is not slept through.
            changed.as_mut().enable();
            let (controls, now) = (self.controls.get(), self.clock.now());
            let max = if controls.paused_workflows.contains(name) { 0 } else { max };
            let (taken, next_look) = topic.with(|held| (held.take(max, &controls, now), held.next_look(now)));
            if !taken.is_empty() || Instant::now() >= patient_until {
                return Ok(taken);
            }
            let look = next_look.map(|at| Instant::now() + at.since(now));
            let wake_at = look.map_or(patient_until, |look| look.min(patient_until));
            // Over or woken, the next look tells.
            let _ = tokio::time::timeout_at(wake_at, changed).await;
        }
    }

    async fn acknowledge(&self, topic: &str, deliveries: &[Uuid]) -> Result<(), QueueError> {
        let topic = self.topic(topic);
        if topic.with(|held| held.acknowledge(deliveries)) {
            topic.changed.notify_waiters();
        }
        Ok(())
    }

    async fn release(&self, topic: &str, deliveries: &[Uuid]) -> Result<(), QueueError> {
        let (topic, now) = (self.topic(topic), self.clock.now());
        topic.with(|held| held.release(deliveries, now));
        topic.changed.notify_waiters();
        Ok(())
    }

    async fn configure(&self, controls: &Arc<Controls>) -> Result<(), QueueError> {
        if self.controls.take(controls) {
            let topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
            for topic in topics.values() {
                topic.with(Deliveries::unpark_all);
                topic.changed.notify_waiters();
            }
        }
        Ok(())
    }

    async fn ahead(&self, topic: &str, priority: u8) -> Result<u64, QueueError> {
        let now = self.clock.now();
        Ok(self.topic(topic).with(|held| {
            held.promote(now);
            held.waiting_from(priority.min(PRIORITY_MAX))
        }))
    }

    async fn depth(&self, topic: &str) -> Result<Depth, QueueError> {
        let now = self.clock.now();
        Ok(self.topic(topic).with(|held| {
            held.promote(now);
            held.depth()
        }))
    }
}
