//! Committed events, in order, for whoever wants to see them happen.
//!
//! What this process commits is passed on at once; what others commit is read
//! from the journal's tail. Both meet in one line a run, so that no event
//! comes twice and none is left out.

mod lines;
mod run;

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{Notify, broadcast};
use tokio_util::task::AbortOnDropHandle;

use crate::backoff::Backoff;
use crate::event::Event;
use crate::health::{Health, Part};
use crate::journal::{Journal, JournalError};
use crate::time::Clock;
use lines::Lines;
pub use run::RunWatcher;

/// Events a watcher may be behind before it is told that it is too slow; with
/// events of some hundred bytes about a megabyte, shared by all watchers.
const BEHIND_MAX: usize = 4096;

/// How often the journal is asked for what other processes committed.
const TAIL_EVERY: Duration = Duration::from_millis(100);

/// Events read at once, from the tail or from a history.
const PAGE: u32 = 512;

/// Why a watcher can't go on.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// More was committed than the watcher took in; what it missed is gone for
    /// it. Each run it shows can be followed again from the last `seq` that it
    /// has.
    #[error("{missed} events were missed; follow each run again from the last seq you have of it")]
    Lagged {
        /// How many.
        missed: u64,
    },
    /// The history could not be read; the same call may be made again.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The engine is gone.
    #[error("the engine that was watched is gone")]
    Closed,
}

/// Where commits become visible.
pub(crate) struct Hub {
    journal: Arc<dyn Journal>,
    clock: Arc<dyn Clock>,
    health: Arc<Health>,
    events: broadcast::Sender<Arc<Event>>,
    lines: Mutex<Option<Lines>>,
    behind: Notify,
    follower: tokio::sync::Mutex<Option<AbortOnDropHandle<()>>>,
}

impl Hub {
    pub(crate) fn new(journal: Arc<dyn Journal>, clock: Arc<dyn Clock>, health: Arc<Health>) -> Self {
        let (events, _) = broadcast::channel(BEHIND_MAX);
        let (lines, behind, follower) = (Mutex::default(), Notify::new(), tokio::sync::Mutex::default());
        Self { journal, clock, health, events, lines, behind, follower }
    }

    /// Passes on what this process committed.
    pub(crate) fn publish(&self, committed: &[Event]) {
        self.pass_on(|lines| lines.committed(committed));
    }

    /// Events from now on. Whoever commits after this returns is heard.
    async fn subscribe(self: &Arc<Self>) -> Result<broadcast::Receiver<Arc<Event>>, JournalError> {
        let receiver = self.events.subscribe();
        let mut follower = self.follower.lock().await;
        if follower.is_none() {
            let cursor = self.journal.tail(None, 1).await?.cursor;
            *self.lock_lines() = Some(Lines::default());
            let follow = follow(Arc::downgrade(self), cursor);
            *follower = Some(AbortOnDropHandle::new(tokio::spawn(follow)));
        }
        Ok(receiver)
    }

    fn pass_on(&self, sort: impl FnOnce(&mut Lines) -> lines::Sorted) {
        // Sent under the lock: the order in the channel is the order of the lines.
        let mut lines = self.lock_lines();
        let Some(lines) = lines.as_mut() else { return };
        let sorted = sort(lines);
        for event in sorted.next {
            // Fails when nobody watches, which is nobody's loss.
            let _ = self.events.send(event);
        }
        if sorted.behind {
            self.behind.notify_one();
        }
    }

    fn lock_lines(&self) -> std::sync::MutexGuard<'_, Option<Lines>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the following when nobody watches any more.
    async fn rest(&self) -> bool {
        let mut follower = self.follower.lock().await;
        let idle = self.events.receiver_count() == 0;
        if idle {
            *self.lock_lines() = None;
            // Aborts the task that calls this, at its next wait: its work is done.
            *follower = None;
        }
        idle
    }

    async fn read_tail(&self, cursor: &mut u64) -> Result<bool, JournalError> {
        let tail = self.journal.tail(Some(*cursor), PAGE).await?;
        *cursor = tail.cursor;
        let full = tail.events.len() >= PAGE as usize;
        self.pass_on(|lines| lines.tailed(tail.events));
        Ok(full)
    }
}

/// Reads the tail as long as there are watchers.
async fn follow(hub: Weak<Hub>, mut cursor: u64) {
    let mut backoff = Backoff::default();
    while let Some(hub) = hub.upgrade() {
        if hub.rest().await {
            return;
        }
        match hub.read_tail(&mut cursor).await {
            Ok(full) => {
                hub.health.succeeded(Part::Watch);
                backoff = Backoff::default();
                if !full {
                    // Either way it is time for the next look.
                    let _ = tokio::time::timeout(TAIL_EVERY, hub.behind.notified()).await;
                }
            }
            Err(error) => {
                hub.health.failed(Part::Watch, &error, hub.clock.now());
                backoff.wait().await;
            }
        }
    }
}

/// Sees every event of every run that is committed while it exists; of one run
/// always in the order of `seq`, without gaps, each once.
pub struct Watcher {
    receiver: broadcast::Receiver<Arc<Event>>,
    // Keeps the journal's tail being read.
    _hub: Arc<Hub>,
}

impl Watcher {
    pub(crate) async fn new(hub: &Arc<Hub>) -> Result<Self, JournalError> {
        let receiver = hub.subscribe().await?;
        Ok(Self { receiver, _hub: Arc::clone(hub) })
    }

    /// The next event. Nothing is lost when the call is dropped.
    ///
    /// # Errors
    /// [`WatchError::Lagged`] when more than a few thousand events were not
    /// taken in; the call after it goes on with what is still there.
    pub async fn next(&mut self) -> Result<Arc<Event>, WatchError> {
        self.receiver.recv().await.map_err(|error| match error {
            broadcast::error::RecvError::Lagged(missed) => WatchError::Lagged { missed },
            broadcast::error::RecvError::Closed => WatchError::Closed,
        })
    }
}
