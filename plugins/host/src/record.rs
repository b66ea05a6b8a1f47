//! What the host sees of a call while it runs. It outlives the call's store, so
//! that a guest nobody waits for any more still leaves its log behind.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::contract::untxt::ocr::types::Failure;
use crate::limits::Limits;
use crate::logbook::Logbook;

/// Why the host stopped the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    Cancelled,
    Deadline,
}

#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) log: Logbook,
    /// The first reason stays.
    pub(crate) stop: Option<Stop>,
    /// Most linear memory it had.
    pub(crate) peak_bytes: usize,
    /// What it executed, where that is counted.
    pub(crate) fuel: Option<u64>,
    /// What it asked for last and was not given.
    pub(crate) denied_bytes: Option<usize>,
    /// What it asked a server for that it may not.
    pub(crate) egress_denied: Option<String>,
    /// What the host itself could not do for it.
    pub(crate) host_failure: Option<Failure>,
}

/// A record that the call and whoever waits for it share.
#[derive(Clone, Debug)]
pub(crate) struct Shared(Arc<Mutex<Record>>);

impl Shared {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self(Arc::new(Mutex::new(Record {
            log: Logbook::new(limits),
            stop: None,
            peak_bytes: 0,
            fuel: None,
            denied_bytes: None,
            egress_denied: None,
            host_failure: None,
        })))
    }

    /// The record, for as long as it is looked at or written to.
    pub(crate) fn read(&self) -> MutexGuard<'_, Record> {
        // No panic leaves it half written.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes down why the guest is stopped, if nothing stands there yet.
    pub(crate) fn stop(&self, why: Stop) -> Stop {
        *self.read().stop.get_or_insert(why)
    }
}
