//! What the host observes of a call while it runs. It outlives the call's store, so
//! that the log of an abandoned guest is not lost.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::call_log::CallLog;
use crate::contract::untxt::ocr::types::Failure;
use crate::error::ModelFault;
use crate::inference::ModelUsage;
use crate::limits::EngineLimits;

/// Why the host stopped the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    Cancelled,
    Deadline,
}

#[derive(Debug)]
pub(crate) struct CallRecord {
    pub(crate) log: CallLog,
    /// The first reason is kept.
    pub(crate) stop: Option<Stop>,
    /// Most linear memory it had.
    pub(crate) peak_bytes: usize,
    /// Fuel it used, if that is counted.
    pub(crate) fuel: Option<u64>,
    /// Size of the last memory request that was refused.
    pub(crate) denied_bytes: Option<usize>,
    /// The request that it was not granted.
    pub(crate) egress_denied: Option<String>,
    /// The model that is being loaded or computed.
    pub(crate) model: Option<String>,
    /// Why the host gave up that model.
    pub(crate) model_fault: Option<ModelFault>,
    /// What it used of models.
    pub(crate) models: ModelUsage,
    /// Why the host computes no models.
    pub(crate) models_unavailable: Option<String>,
    /// A failure of the host itself.
    pub(crate) host_failure: Option<Failure>,
}

/// The record that a call and its caller share.
#[derive(Clone, Debug)]
pub(crate) struct SharedCallRecord(Arc<Mutex<CallRecord>>);

impl SharedCallRecord {
    pub(crate) fn new(limits: &EngineLimits) -> Self {
        Self(Arc::new(Mutex::new(CallRecord {
            log: CallLog::new(limits),
            stop: None,
            peak_bytes: 0,
            fuel: None,
            denied_bytes: None,
            egress_denied: None,
            model: None,
            model_fault: None,
            models: ModelUsage::default(),
            models_unavailable: None,
            host_failure: None,
        })))
    }

    /// Locks the record.
    pub(crate) fn lock(&self) -> MutexGuard<'_, CallRecord> {
        // A panic can't leave it inconsistent.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records why the guest is stopped, unless a reason is recorded, and returns
    /// the recorded reason.
    pub(crate) fn stop(&self, why: Stop) -> Stop {
        *self.lock().stop.get_or_insert(why)
    }
}
