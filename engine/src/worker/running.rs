//! What a worker is at, and how each of it is told to stop.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::id::{Delivery, RunId};

/// Why an attempt is to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The run has ended: cancelled, or failed elsewhere.
    Ended,
    /// The claim was taken away.
    Lost,
    /// The time is over.
    TimedOut,
    /// The worker leaves.
    Drained,
}

/// The way to stop one attempt. The first reason counts.
#[derive(Debug, Default)]
pub(super) struct StopSignal {
    token: CancellationToken,
    reason: OnceLock<Stop>,
}

impl StopSignal {
    pub(super) fn stop(&self, reason: Stop) {
        // Set before: who sees the token fired finds a reason.
        let _ = self.reason.set(reason);
        self.token.cancel();
    }

    /// The token that the step sees; it can't stop others by it.
    pub(super) fn token(&self) -> CancellationToken {
        self.token.child_token()
    }

    /// Waits until it is to stop.
    pub(super) async fn stopped(&self) {
        self.token.cancelled().await;
    }

    pub(super) fn reason(&self) -> Option<Stop> {
        self.reason.get().copied()
    }
}

type Signals = HashMap<Delivery, Arc<StopSignal>>;

/// The attempts of one worker; as many as it has slots.
#[derive(Debug, Default)]
pub(super) struct Running(Mutex<Signals>);

/// A place among the running; given up when dropped.
#[derive(Debug)]
pub(super) struct Place {
    running: Arc<Running>,
    delivery: Delivery,
    pub(super) signal: Arc<StopSignal>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.running.lock().remove(&self.delivery);
    }
}

impl Running {
    fn lock(&self) -> MutexGuard<'_, Signals> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for the delivery; `None` if this worker is at it already.
    pub(super) fn enter(self: &Arc<Self>, delivery: Delivery) -> Option<Place> {
        let mut signals = self.lock();
        let Entry::Vacant(vacant) = signals.entry(delivery) else { return None };
        let signal = Arc::clone(vacant.insert(Arc::default()));
        Some(Place { running: Arc::clone(self), delivery, signal })
    }

    /// What it is at.
    pub(super) fn deliveries(&self) -> Vec<Delivery> {
        self.lock().keys().copied().collect()
    }

    pub(super) fn stop(&self, delivery: &Delivery, reason: Stop) {
        if let Some(signal) = self.lock().get(delivery) {
            signal.stop(reason);
        }
    }

    pub(super) fn stop_run(&self, run: RunId, reason: Stop) {
        for (delivery, signal) in &*self.lock() {
            if delivery.slot.run == run {
                signal.stop(reason);
            }
        }
    }

    pub(super) fn stop_all(&self, reason: Stop) {
        self.lock().values().for_each(|signal| signal.stop(reason));
    }
}
