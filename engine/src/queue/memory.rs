//! A queue inside this process. It dies with the process; the journal fills
//! the next one.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Notify;
use tokio::time::Instant;
use uuid::Uuid;

use super::{Depth, Pulled, Queue, QueueError};
use crate::controls::{Controls, CurrentControls};
use crate::decide::Scheduled;
use crate::id::Delivery;
use crate::time::{Clock, Timestamp};

/// Pointers a topic holds unless told otherwise: some tens of megabytes. What
/// finds no room stays in the journal, which offers it again.
pub const CAPACITY: usize = 100_000;

/// Levels of priority, 1 to 10; level 0 is not used.
const LEVELS: usize = 11;

/// A queue in memory, one for each process.
pub struct MemoryQueue {
    clock: Arc<dyn Clock>,
    capacity: usize,
    topics: Mutex<HashMap<String, Arc<Topic>>>,
    controls: CurrentControls,
}

#[derive(Default)]
struct Topic {
    pointers: Mutex<Pointers>,
    pushed: Notify,
}

/// Place in an order: first what became due first, then what was pushed first.
type Place = (Timestamp, u64);

#[derive(Clone)]
struct Entry {
    delivery: Delivery,
    tenant: Arc<str>,
    place: Place,
    level: usize,
}

#[derive(Clone, Copy)]
enum Whereabouts {
    Ready,
    Scheduled,
    InFlight,
}

#[derive(Default)]
struct Pointers {
    known: HashMap<Uuid, (Whereabouts, Entry)>,
    ready: [BTreeMap<Place, Uuid>; LEVELS],
    scheduled: BTreeMap<Place, Uuid>,
    pushes: u64,
}

impl Pointers {
    fn push(&mut self, pointer: &Scheduled, now: Timestamp) {
        let id = pointer.delivery.id();
        if self.known.contains_key(&id) {
            return;
        }
        self.pushes += 1;
        let level = usize::from(pointer.priority).min(LEVELS - 1);
        let place = (pointer.due_at, self.pushes);
        self.wait(
            id,
            Entry { delivery: pointer.delivery, tenant: pointer.tenant.as_str().into(), place, level },
            now,
        );
    }

    fn wait(&mut self, id: Uuid, entry: Entry, now: Timestamp) {
        let whereabouts = if entry.place.0 <= now {
            self.ready[entry.level].insert(entry.place, id);
            Whereabouts::Ready
        } else {
            self.scheduled.insert(entry.place, id);
            Whereabouts::Scheduled
        };
        self.known.insert(id, (whereabouts, entry));
    }

    fn promote(&mut self, now: Timestamp) {
        while let Some((&place, &id)) = self.scheduled.first_key_value()
            && place.0 <= now
        {
            self.scheduled.remove(&place);
            if let Some((_, entry)) = self.known.get(&id).cloned() {
                self.wait(id, entry, now);
            }
        }
    }

    fn take(&mut self, max: usize, now: Timestamp) -> Vec<Pulled> {
        self.promote(now);
        let mut taken = Vec::new();
        for level in self.ready.iter_mut().rev() {
            while taken.len() < max
                && let Some((_, id)) = level.pop_first()
            {
                if let Some((whereabouts, entry)) = self.known.get_mut(&id) {
                    *whereabouts = Whereabouts::InFlight;
                    taken.push(Pulled { delivery: entry.delivery, tenant: entry.tenant.to_string() });
                }
            }
        }
        taken
    }

    fn in_flight(&self, id: &Uuid) -> Option<Entry> {
        match self.known.get(id) {
            Some((Whereabouts::InFlight, entry)) => Some(entry.clone()),
            _ => None,
        }
    }

    fn ready_from(&self, level: usize) -> u64 {
        self.ready.iter().skip(level).map(|level| level.len() as u64).sum()
    }

    fn depth(&self) -> Depth {
        let (ready, scheduled) = (self.ready_from(0), self.scheduled.len() as u64);
        Depth { ready, scheduled, in_flight: self.known.len() as u64 - ready - scheduled }
    }

    fn next_due(&self) -> Option<Timestamp> {
        self.scheduled.first_key_value().map(|(place, _)| place.0)
    }
}

impl Topic {
    fn with<T>(&self, change: impl FnOnce(&mut Pointers) -> T) -> T {
        // Nothing that runs under this lock panics half-way through a change.
        change(&mut self.pointers.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl MemoryQueue {
    /// An empty queue that holds up to [`CAPACITY`] pointers a topic.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self::with_capacity(clock, CAPACITY)
    }

    /// An empty queue that holds up to `capacity` pointers a topic.
    #[must_use]
    pub fn with_capacity(clock: Arc<dyn Clock>, capacity: usize) -> Self {
        Self { clock, capacity, topics: Mutex::default(), controls: CurrentControls::default() }
    }

    fn topic(&self, name: &str) -> Arc<Topic> {
        let mut topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(topic) = topics.get(name) {
            return Arc::clone(topic);
        }
        Arc::clone(topics.entry(name.to_owned()).or_default())
    }
}

#[async_trait]
impl Queue for MemoryQueue {
    async fn push(&self, topic: &str, pointers: &[Scheduled]) -> Result<(), QueueError> {
        let (topic, now) = (self.topic(topic), self.clock.now());
        let fits = topic.with(|held| {
            pointers.iter().all(|pointer| {
                let fits = held.known.len() < self.capacity;
                if fits {
                    held.push(pointer, now);
                }
                fits
            })
        });
        topic.pushed.notify_waiters();
        let capacity = self.capacity;
        fits.then_some(()).ok_or(QueueError::Full { capacity })
    }

    async fn pull(&self, topic: &str, max: usize, patience: Duration) -> Result<Vec<Pulled>, QueueError> {
        let (name, topic) = (topic, self.topic(topic));
        let patient_until = Instant::now() + patience;
        loop {
            let pushed = topic.pushed.notified();
            tokio::pin!(pushed);
            // Armed before looking, so that a push in between is not slept through.
            pushed.as_mut().enable();
            let now = self.clock.now();
            let max = if self.controls.get().paused_workflows.contains(name) { 0 } else { max };
            let (taken, next_due) = topic.with(|held| (held.take(max, now), held.next_due()));
            if !taken.is_empty() || Instant::now() >= patient_until {
                return Ok(taken);
            }
            let due = next_due.map(|due| Instant::now() + due.since(now));
            let wake_at = due.map_or(patient_until, |due| due.min(patient_until));
            // Over or woken, the next look tells.
            let _ = tokio::time::timeout_at(wake_at, pushed).await;
        }
    }

    async fn acknowledge(&self, topic: &str, deliveries: &[Uuid]) -> Result<(), QueueError> {
        self.topic(topic).with(|held| {
            for id in deliveries {
                if held.in_flight(id).is_some() {
                    held.known.remove(id);
                }
            }
        });
        Ok(())
    }

    async fn release(&self, topic: &str, deliveries: &[Uuid]) -> Result<(), QueueError> {
        let (topic, now) = (self.topic(topic), self.clock.now());
        topic.with(|held| {
            for id in deliveries {
                if let Some(entry) = held.in_flight(id) {
                    held.wait(*id, entry, now);
                }
            }
        });
        topic.pushed.notify_waiters();
        Ok(())
    }

    async fn configure(&self, controls: &Arc<Controls>) -> Result<(), QueueError> {
        if self.controls.take(controls) {
            let topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
            topics.values().for_each(|topic| topic.pushed.notify_waiters());
        }
        Ok(())
    }

    async fn ahead(&self, topic: &str, priority: u8) -> Result<u64, QueueError> {
        let now = self.clock.now();
        Ok(self.topic(topic).with(|held| {
            held.promote(now);
            held.ready_from(usize::from(priority).min(LEVELS - 1))
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
