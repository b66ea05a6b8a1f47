//! The dispatch plane: an index of what is due. It may be wiped at any time;
//! the journal fills it again.

#[cfg(test)]
mod conformance;
pub mod memory;
pub mod redis;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use crate::controls::Controls;
use crate::decide::Scheduled;
use crate::id::Delivery;
use crate::time::Timestamp;

/// The most urgent priority; the least urgent is 1.
const PRIORITY_MAX: u8 = 10;

/// How long a delivery waits until it counts one level higher.
const AGE_STEP: Duration = Duration::from_secs(60);

/// A delivery as it comes out of the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pulled {
    /// The delivery.
    pub delivery: Delivery,
    /// Whose it is, as whoever pushed it said.
    pub tenant: String,
}

/// How full a topic is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Due and waiting for a worker.
    pub ready: u64,
    /// Not due yet.
    pub scheduled: u64,
    /// Pulled and not acknowledged.
    pub in_flight: u64,
}

/// A server that keeps queues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueServer {
    /// Its version, such as `7.0.15`.
    pub version: String,
    /// What time it is there.
    pub now: Timestamp,
}

impl QueueServer {
    /// The oldest Redis that works: the scripts say `ZADD … LT`, which an older
    /// one does not know.
    pub const MIN: (u32, u32) = (6, 2);

    /// Whether it is new enough.
    #[must_use]
    pub fn is_new_enough(&self) -> bool {
        let mut numbers = self.version.split('.').map(|number| number.parse().unwrap_or(0));
        (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= Self::MIN
    }
}

/// Why the queue could not do it. Always worth another try: what the journal
/// knows is offered again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueueError {
    /// Its server can't be reached or gave up.
    #[error("the queue does not answer: {0}; check REDIS_URL and the server")]
    Unavailable(String),
    /// The address of its server is not one.
    #[error("REDIS_URL is not the address of a Redis server: {0}")]
    Address(String),
    /// Its server is one of several of a cluster, each of which has a part of the
    /// keys.
    #[error(
        "REDIS_URL leads to a Redis Cluster of {primaries} primaries, and each would refuse the keys of the \
         others; name a Redis server that is no cluster (a replica of it may stand by), or a cluster of one \
         primary"
    )]
    Cluster {
        /// How many have a part.
        primaries: u32,
    },
    /// It has no room for all of them.
    #[error("the queue is full ({capacity} deliveries); more wait in the journal")]
    Full {
        /// Deliveries a topic may hold.
        capacity: usize,
    },
}

/// One topic a workflow.
#[async_trait]
pub trait Queue: Send + Sync + 'static {
    /// Puts deliveries into the queue and wakes whoever waits; how many were new.
    /// One whose id is in the queue already changes nothing, unless it is due later there:
    /// then it is due when it is pushed for now.
    ///
    /// # Errors
    /// [`QueueError`]; some of the deliveries may have arrived.
    async fn push(&self, topic: &str, deliveries: &[Scheduled]) -> Result<usize, QueueError>;

    /// Takes up to `max` due deliveries: the higher level first, then tenants by
    /// turns, then the oldest. Waits for one until `patience` is over, then
    /// returns none. What is paused, at its limit or over its rate is passed over.
    ///
    /// # Errors
    /// [`QueueError`].
    async fn pull(&self, topic: &str, max: usize, patience: Duration) -> Result<Vec<Pulled>, QueueError>;

    /// Forgets deliveries that were pulled.
    ///
    /// # Errors
    /// [`QueueError`].
    async fn acknowledge(&self, topic: &str, deliveries: &[Uuid]) -> Result<(), QueueError>;

    /// Puts pulled deliveries of workers that are gone back among the due ones;
    /// for a queue that outlives its workers.
    ///
    /// # Errors
    /// [`QueueError`].
    async fn release(&self, topic: &str, deliveries: &[Uuid]) -> Result<(), QueueError>;

    /// Keeps to what operators set from here on; told every second or so. An
    /// older revision than the queue knows changes nothing. What is in flight
    /// stays so.
    ///
    /// # Errors
    /// [`QueueError`].
    async fn configure(&self, controls: &Arc<Controls>) -> Result<(), QueueError>;

    /// How many waiting deliveries come before one pushed now with `priority`, at
    /// most: others' take turns with it. Aged ones count where they are.
    ///
    /// # Errors
    /// [`QueueError`].
    async fn ahead(&self, topic: &str, priority: u8) -> Result<u64, QueueError>;

    /// How full the topic is.
    ///
    /// # Errors
    /// [`QueueError`].
    async fn depth(&self, topic: &str) -> Result<Depth, QueueError>;

    /// What serves it; `None` for a queue of this process's own.
    ///
    /// # Errors
    /// [`QueueError`].
    async fn server(&self) -> Result<Option<QueueServer>, QueueError> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_as_new_as_its_first_two_numbers() {
        let is_enough =
            |version: &str| QueueServer { version: version.to_owned(), now: Timestamp(0) }.is_new_enough();
        assert!(is_enough("6.2.0") && is_enough("7.0.15") && is_enough("10.0"));
        assert!(!is_enough("6.0.20") && !is_enough("5.9.9") && !is_enough("unknown"));
    }
}
