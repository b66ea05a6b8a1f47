//! The attempts a worker makes, and how each is told to stop.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Found;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::decide::Claim;
use crate::id::{Delivery, RunId};

/// Why an attempt must stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The run has ended: cancelled, or failed elsewhere.
    Ended,
    /// The claim was taken away.
    Lost,
    /// Its time is over.
    TimedOut,
    /// The worker shuts down.
    Drained,
}

/// Stops one attempt. The first reason counts.
#[derive(Debug, Default)]
pub(super) struct StopSignal {
    token: CancellationToken,
    reason: OnceLock<Stop>,
}

impl StopSignal {
    pub(super) fn stop(&self, reason: Stop) {
        // Set first, so that the token never fires without a reason.
        let _ = self.reason.set(reason);
        self.token.cancel();
    }

    /// The token that the step sees; cancelling it stops no other attempt.
    pub(super) fn token(&self) -> CancellationToken {
        self.token.child_token()
    }

    /// Waits until it must stop.
    pub(super) async fn stopped(&self) {
        self.token.cancelled().await;
    }

    pub(super) fn reason(&self) -> Option<Stop> {
        self.reason.get().copied()
    }
}

type Signals = HashMap<Delivery, Entry>;

#[derive(Debug, Default)]
struct Entry {
    signal: Arc<StopSignal>,
    /// Its claim, once there is one.
    claim: Option<Claim>,
}

/// The attempts of one worker; as many as it has slots.
#[derive(Debug, Default)]
pub(super) struct Running(Mutex<Signals>);

/// Keeps an attempt among those of its worker until it is dropped.
#[derive(Debug)]
pub(super) struct RunningGuard {
    running: Arc<Running>,
    delivery: Delivery,
    pub(super) signal: Arc<StopSignal>,
}

impl RunningGuard {
    /// The attempt holds `claim` from now on.
    pub(super) fn claimed(&self, claim: &Claim) {
        if let Some(entry) = self.running.lock().get_mut(&self.delivery) {
            entry.claim = Some(claim.clone());
        }
    }
}

impl Drop for RunningGuard {
    fn drop(&mut self) {
        self.running.lock().remove(&self.delivery);
    }
}

impl Running {
    fn lock(&self) -> MutexGuard<'_, Signals> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds the attempt; `None` if this worker makes it already.
    pub(super) fn enter(self: &Arc<Self>, delivery: Delivery) -> Option<RunningGuard> {
        let mut signals = self.lock();
        let Found::Vacant(vacant) = signals.entry(delivery) else { return None };
        let signal = Arc::clone(&vacant.insert(Entry::default()).signal);
        Some(RunningGuard { running: Arc::clone(self), delivery, signal })
    }

    /// Whether this worker makes the attempt of `delivery`.
    pub(super) fn is_at(&self, delivery: &Delivery) -> bool {
        self.lock().contains_key(delivery)
    }

    /// Whether this worker makes an attempt of `run`.
    pub(super) fn is_at_run(&self, run: RunId) -> bool {
        self.lock().keys().any(|delivery| delivery.slot.run == run)
    }

    /// How many attempts it makes.
    pub(super) fn count(&self) -> usize {
        self.lock().len()
    }

    /// The claims it holds.
    pub(super) fn claims(&self) -> Vec<(Delivery, Claim)> {
        let signals = self.lock();
        let claimed = signals.iter().filter_map(|(delivery, entry)| Some((*delivery, entry.claim.clone()?)));
        claimed.collect()
    }

    pub(super) fn stop(&self, delivery: &Delivery, reason: Stop) {
        if let Some(entry) = self.lock().get(delivery) {
            entry.signal.stop(reason);
        }
    }

    pub(super) fn stop_run(&self, run: RunId, reason: Stop) {
        for (delivery, entry) in &*self.lock() {
            if delivery.slot.run == run {
                entry.signal.stop(reason);
            }
        }
    }

    pub(super) fn stop_all(&self, reason: Stop) {
        self.lock().values().for_each(|entry| entry.signal.stop(reason));
    }
}
