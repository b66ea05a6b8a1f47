//! Following all runs: what this process commits and what the journal's tail
//! tells meet in one cursor a run, so that no event comes twice and none is left
//! out.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::{Notify, broadcast};
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use super::cursors::{InOrder, RunCursors};
use super::pace::Pace;
use super::{Hub, PAGE, WatchError};
use crate::backoff::Backoff;
use crate::event::Event;
use crate::health::Part;
use crate::journal::JournalError;

/// Events a watcher may be behind before it is told that it is too slow; with
/// events of some hundred bytes about a megabyte, shared by all watchers.
const BEHIND_MAX: usize = 4096;

/// What watchers of all runs share.
pub(super) struct All {
    events: broadcast::Sender<Arc<Event>>,
    /// None while nobody watches.
    cursors: Mutex<Option<RunCursors>>,
    behind: Arc<Notify>,
    follower: tokio::sync::Mutex<Option<AbortOnDropHandle<()>>>,
}

impl Default for All {
    fn default() -> Self {
        let (cursors, behind, follower) = (Mutex::default(), Arc::default(), tokio::sync::Mutex::default());
        Self { events: broadcast::channel(BEHIND_MAX).0, cursors, behind, follower }
    }
}

impl All {
    pub(super) fn publish(&self, committed: &[Event]) {
        self.pass_on(|cursors| cursors.committed(committed));
    }

    fn pass_on(&self, sort: impl FnOnce(&mut RunCursors) -> InOrder) {
        // Sent under the lock: the order in the channel is the order of the cursors.
        let mut cursors = self.lock_cursors();
        let Some(cursors) = cursors.as_mut() else { return };
        let in_order = sort(cursors);
        for event in in_order.next {
            // Fails when nobody watches, which is nobody's loss.
            let _ = self.events.send(event);
        }
        if in_order.behind {
            self.behind.notify_one();
        }
    }

    fn lock_cursors(&self) -> MutexGuard<'_, Option<RunCursors>> {
        self.cursors.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hub {
    /// Events from now on. Whoever commits after this returns is heard.
    async fn subscribe(self: &Arc<Self>) -> Result<broadcast::Receiver<Arc<Event>>, JournalError> {
        let receiver = self.all.events.subscribe();
        let mut follower = self.all.follower.lock().await;
        if follower.is_none() {
            let cursor = self.journal.tail(None, 1).await?.cursor;
            *self.all.lock_cursors() = Some(RunCursors::default());
            let follow = follow(Arc::downgrade(self), cursor);
            *follower = Some(AbortOnDropHandle::new(tokio::spawn(follow)));
        }
        Ok(receiver)
    }

    /// What is waited for between two looks.
    fn waits(&self) -> (Pace, Arc<Notify>) {
        (Pace::new(self.journal.changes()), Arc::clone(&self.all.behind))
    }

    /// Ends the following when nobody watches any more.
    async fn rest(&self) -> bool {
        let mut follower = self.all.follower.lock().await;
        let idle = self.all.events.receiver_count() == 0;
        if idle {
            *self.all.lock_cursors() = None;
            // Aborts the task that calls this, at its next wait: its work is done.
            *follower = None;
        }
        idle
    }

    /// Passes on a page of the tail; whether there was none, some, or all that a
    /// page holds.
    async fn read_tail(&self, cursor: &mut u64) -> Result<Read, JournalError> {
        let tail = self.journal.tail(Some(*cursor), PAGE).await?;
        *cursor = tail.cursor;
        for (run, why) in &tail.unreadable {
            let problem = format!("skipped an unreadable event of run {run}: {why}");
            self.health.failed(Part::Watch, &problem, self.clock.now());
        }
        let read = match tail.events.len() {
            0 => Read::Nothing,
            events if events >= PAGE as usize => Read::Page,
            _ => Read::Some,
        };
        self.all.pass_on(|cursors| cursors.tailed(tail.events));
        Ok(read)
    }
}

/// What the tail had.
#[derive(Clone, Copy, PartialEq)]
enum Read {
    Nothing,
    Some,
    /// There may be more.
    Page,
}

/// Reads the tail as long as there are watchers.
async fn follow(hub: Weak<Hub>, mut cursor: u64) {
    let mut backoff = Backoff::default();
    let Some((mut pace, behind)) = hub.upgrade().map(|hub| hub.waits()) else { return };
    while let Some(followed) = hub.upgrade() {
        if followed.rest().await {
            return;
        }
        let began = Instant::now();
        match followed.read_tail(&mut cursor).await {
            Ok(read) => {
                followed.health.succeeded(Part::Watch);
                backoff = Backoff::default();
                // Whoever waits here does not keep the hub.
                drop(followed);
                if read != Read::Page {
                    tokio::select! {
                        () = pace.next(began.elapsed(), read == Read::Some) => {}
                        () = behind.notified() => {}
                    }
                }
            }
            Err(error) => {
                followed.health.failed(Part::Watch, &error, followed.clock.now());
                drop(followed);
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
