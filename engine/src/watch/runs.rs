//! FollowedRuns that somebody follows, one channel each: who follows one run is not
//! woken by what happens to the others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::broadcast;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use super::Hub;
use super::pace::Pace;
use crate::backoff::Backoff;
use crate::event::Event;
use crate::health::Part;
use crate::id::RunId;
use crate::journal::JournalError;

/// Events of one run a watcher may be behind before it has to read them again.
const BEHIND_MAX: usize = 64;

/// What a watcher of one run is told.
#[derive(Clone, Debug)]
pub(super) enum RunSignal {
    /// This was committed here.
    Event(Arc<Event>),
    /// Others have moved the run, or it was erased: its history tells.
    Look,
}

/// The runs that are followed.
#[derive(Default)]
pub(super) struct FollowedRuns(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    runs: HashMap<RunId, FollowedRun>,
    /// Looks after them while there are any.
    looking: Option<AbortOnDropHandle<()>>,
}

struct FollowedRun {
    channel: broadcast::Sender<RunSignal>,
    /// The last `seq` its watchers were told of.
    told: u64,
}

impl FollowedRuns {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn publish(&self, committed: &[Event]) {
        let mut followed = self.lock();
        if followed.runs.is_empty() {
            return;
        }
        for event in committed {
            if let Some(followed_run) = followed.runs.get_mut(&event.run) {
                followed_run.told = followed_run.told.max(event.seq);
                // Fails when the last watcher is just leaving.
                let _ = followed_run.channel.send(RunSignal::Event(Arc::new(event.clone())));
            }
        }
    }

    /// Tells the watchers of those of `asked` that are further than they were
    /// told, and of those that are not there (any more); whether there were any.
    fn moved(&self, asked: &[RunId], last_seqs: &HashMap<RunId, u64>) -> bool {
        let (mut followed, mut any) = (self.lock(), false);
        for run in asked {
            let Some(followed_run) = followed.runs.get_mut(run) else { continue };
            match last_seqs.get(run) {
                Some(seq) if *seq <= followed_run.told => continue,
                Some(seq) => followed_run.told = *seq,
                None => {}
            }
            any = true;
            let _ = followed_run.channel.send(RunSignal::Look);
        }
        any
    }

    /// Tells the watchers of a run that was erased here.
    pub(super) fn erased(&self, run: RunId) {
        if let Some(followed_run) = self.lock().runs.get(&run) {
            let _ = followed_run.channel.send(RunSignal::Look);
        }
    }

    pub(super) fn leave(&self, run: RunId) {
        let mut followed = self.lock();
        // Whoever leaves still counts as a receiver.
        if followed.runs.get(&run).is_some_and(|followed_run| followed_run.channel.receiver_count() <= 1) {
            followed.runs.remove(&run);
        }
    }

    /// The runs that are followed; none ends the looking.
    fn to_look_at(&self) -> Vec<RunId> {
        let mut followed = self.lock();
        if followed.runs.is_empty() {
            // Aborts the task that calls this, at its next wait: its work is done.
            followed.looking = None;
        }
        followed.runs.keys().copied().collect()
    }
}

impl Hub {
    /// What is committed to `run` from now on, here or elsewhere.
    pub(super) fn follow(self: &Arc<Self>, run: RunId) -> broadcast::Receiver<RunSignal> {
        let mut followed = self.runs.lock();
        if followed.looking.is_none() {
            followed.looking = Some(AbortOnDropHandle::new(tokio::spawn(look(Arc::downgrade(self)))));
        }
        let new = || FollowedRun { channel: broadcast::channel(BEHIND_MAX).0, told: 0 };
        followed.runs.entry(run).or_insert_with(new).channel.subscribe()
    }

    async fn look_once(&self, runs: &[RunId]) -> Result<bool, JournalError> {
        let last_seqs = self.journal.last_seqs(runs).await?.into_iter().collect();
        Ok(self.runs.moved(runs, &last_seqs))
    }
}

/// Looks how far the followed runs are, as long as there are any: one question
/// for all of them.
async fn look(hub: Weak<Hub>) {
    let mut backoff = Backoff::default();
    let Some(mut pace) = hub.upgrade().map(|hub| Pace::new(hub.journal.changes())) else { return };
    let (mut took, mut found) = (Duration::ZERO, true);
    loop {
        pace.next(took, found).await;
        let Some(hub) = hub.upgrade() else { return };
        let runs = hub.runs.to_look_at();
        if runs.is_empty() {
            return;
        }
        let began = Instant::now();
        let looked = hub.look_once(&runs).await;
        took = began.elapsed();
        match looked {
            Ok(any) => {
                hub.health.succeeded(Part::Watch);
                (backoff, found) = (Backoff::default(), any);
            }
            Err(error) => {
                hub.health.failed(Part::Watch, &error, hub.clock.now());
                drop(hub);
                backoff.wait().await;
            }
        }
    }
}
