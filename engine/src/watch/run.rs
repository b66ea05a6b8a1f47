//! Following one run: what happened so far, then what happens.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::cursors::ends;
use super::runs::RunSignal;
use super::{Hub, PAGE, WatchError};
use crate::event::Event;
use crate::id::RunId;
use crate::journal::JournalError;

/// Sees every event of one run after a given `seq`, in order, without gaps,
/// each once, to the event that ends it: of a run that was redriven after its
/// end, the last such event there is. It can't be too slow: what it misses
/// it reads again from the history. A run that is erased meanwhile ends the
/// watching with an error.
pub struct RunWatcher {
    hub: Arc<Hub>,
    receiver: broadcast::Receiver<RunSignal>,
    run: RunId,
    seq: u64,
    /// At most one page of history.
    replayed: VecDeque<Event>,
    /// Whether the history may hold more than was read.
    behind: bool,
    ended: bool,
}

impl RunWatcher {
    /// Listening comes first: what is committed while the past is read is heard
    /// as well, and told apart by its seq.
    pub(crate) fn new(hub: &Arc<Hub>, run: RunId, after_seq: u64) -> Self {
        let receiver = hub.follow(run);
        let (hub, replayed) = (Arc::clone(hub), VecDeque::new());
        Self { hub, receiver, run, seq: after_seq, replayed, behind: true, ended: false }
    }

    /// Goes on after `seq`, which is as far as the run was after this began to
    /// listen.
    pub(crate) fn is_at(&mut self, seq: u64) {
        self.seq = seq;
        self.behind = false;
    }

    /// The next event; `None` after the one that ended the run, also when that
    /// came before the `seq` that was given. Nothing is lost when the call is
    /// dropped.
    ///
    /// # Errors
    /// [`WatchError::Journal`] when the history can't be read; with
    /// [`JournalError::UnknownRun`] when there is no such run: not yet, or not any
    /// more, because it was erased.
    pub async fn next(&mut self) -> Result<Option<Arc<Event>>, WatchError> {
        while !self.ended {
            if let Some(event) = self.replayed.pop_front() {
                return Ok(Some(self.pass(Arc::new(event))));
            }
            if self.behind {
                self.read_history().await?;
            } else if let Some(event) = self.listen().await? {
                return Ok(Some(self.pass(event)));
            }
        }
        Ok(None)
    }

    fn pass(&mut self, event: Arc<Event>) -> Arc<Event> {
        self.seq = event.seq;
        // A redriven run goes on behind its end; the history tells.
        self.ended = ends(&event.kind) && self.replayed.is_empty() && !self.behind;
        event
    }

    async fn read_history(&mut self) -> Result<(), WatchError> {
        let page = self.hub.journal.history(self.run, self.seq, PAGE).await?;
        if page.is_empty() {
            return self.look_at_run().await;
        }
        self.behind = page.len() >= PAGE as usize;
        self.replayed = page.into();
        Ok(())
    }

    /// The history says nothing more: the run goes on, ended before, or is gone.
    async fn look_at_run(&mut self) -> Result<(), WatchError> {
        let run = self.hub.journal.run(self.run).await?.ok_or(JournalError::UnknownRun(self.run))?;
        // Something may have been committed since the history was read.
        self.behind = run.seq > self.seq;
        self.ended = !self.behind && run.status.is_terminal();
        Ok(())
    }

    /// The run's next event, if what is heard next is that.
    async fn listen(&mut self) -> Result<Option<Arc<Event>>, WatchError> {
        match self.receiver.recv().await {
            Ok(RunSignal::Event(event)) if event.seq <= self.seq => Ok(None),
            Ok(RunSignal::Event(event)) if event.seq == self.seq + 1 => Ok(Some(event)),
            Ok(_) | Err(RecvError::Lagged(_)) => {
                self.behind = true;
                Ok(None)
            }
            Err(RecvError::Closed) => Err(WatchError::Closed),
        }
    }
}

impl Drop for RunWatcher {
    fn drop(&mut self) {
        self.hub.runs.leave(self.run);
    }
}
