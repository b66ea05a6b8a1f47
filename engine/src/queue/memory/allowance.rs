//! How much a tenant may start now.

use std::collections::{BTreeSet, HashMap};
use std::num::NonZeroU32;
use std::sync::Arc;

use crate::controls::TenantControls;
use crate::time::Timestamp;

/// What tenants are at, as far as it bounds what they may start.
#[derive(Default)]
pub(super) struct Allowances {
    /// Deliveries in flight.
    busy: HashMap<Arc<str>, u32>,
    /// From when on each would be within its rate, milliseconds.
    free_at: HashMap<Arc<str>, f64>,
    /// Who may not start anything, until when; `None`: until something changes.
    parked: HashMap<Arc<str>, Option<Timestamp>>,
    parked_by_time: BTreeSet<(Timestamp, Arc<str>)>,
}

/// How many a tenant may start.
pub(super) enum Permit {
    UpTo(usize),
    /// None, until then; `None`: until something changes.
    NoneUntil(Option<Timestamp>),
}

impl Allowances {
    /// How many of `max` the tenant may start now.
    pub(super) fn permit(&self, tenant: &str, set: TenantControls, max: usize, now: Timestamp) -> Permit {
        if set.paused {
            return Permit::NoneUntil(None);
        }
        let busy = self.busy.get(tenant).copied().unwrap_or_default();
        let free = set.concurrency.map_or(max, |limit| limit.get().saturating_sub(busy) as usize);
        if free == 0 {
            return Permit::NoneUntil(None);
        }
        let Some(rate) = set.starts_per_minute else { return Permit::UpTo(free.min(max)) };
        let (every, burst) = (every_ms(rate), burst(rate));
        let free_at = self.free_at.get(tenant).copied().unwrap_or_default().max(ms(now));
        let starts = (ms(now) - free_at) / every + burst;
        if starts < 1.0 {
            return Permit::NoneUntil(Some(timestamp(free_at - (burst - 1.0) * every)));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 1 and the burst"
        )]
        Permit::UpTo(free.min(max).min(starts as usize))
    }

    /// The tenant starts so many.
    pub(super) fn start(&mut self, tenant: &Arc<str>, set: TenantControls, starts: u32, now: Timestamp) {
        *self.busy.entry(Arc::clone(tenant)).or_default() += starts;
        if let Some(rate) = set.starts_per_minute {
            let free_at = self.free_at.entry(Arc::clone(tenant)).or_default();
            *free_at = free_at.max(ms(now)) + f64::from(starts) * every_ms(rate);
        } else {
            self.free_at.remove(tenant);
        }
    }

    /// One of the tenant's is not in flight any more; whether it may have waited
    /// for that.
    pub(super) fn end(&mut self, tenant: &Arc<str>) -> bool {
        if let Some(busy) = self.busy.get_mut(tenant) {
            *busy = busy.saturating_sub(1);
            if *busy == 0 {
                self.busy.remove(tenant);
            }
        }
        self.parked.get(tenant) == Some(&None)
    }

    pub(super) fn is_parked(&self, tenant: &str) -> bool {
        self.parked.contains_key(tenant)
    }

    pub(super) fn park(&mut self, tenant: &Arc<str>, until: Option<Timestamp>) {
        self.parked.insert(Arc::clone(tenant), until);
        self.parked_by_time.extend(until.map(|until| (until, Arc::clone(tenant))));
    }

    pub(super) fn unpark(&mut self, tenant: &Arc<str>) {
        if let Some(Some(until)) = self.parked.remove(tenant) {
            self.parked_by_time.remove(&(until, Arc::clone(tenant)));
        }
    }

    /// Somebody whose time is over.
    pub(super) fn over(&self, now: Timestamp) -> Option<Arc<str>> {
        self.parked_by_time.first().filter(|(until, _)| *until <= now).map(|(_, tenant)| Arc::clone(tenant))
    }

    /// When the first one's time is over.
    pub(super) fn next_over(&self) -> Option<Timestamp> {
        self.parked_by_time.first().map(|(until, _)| *until)
    }

    pub(super) fn all_parked(&self) -> Vec<Arc<str>> {
        self.parked.keys().cloned().collect()
    }
}

/// Starts are spread evenly over the minute.
fn every_ms(rate: NonZeroU32) -> f64 {
    60_000.0 / f64::from(rate.get())
}

/// A second's worth may come at once, so that pulls need not come as often.
fn burst(rate: NonZeroU32) -> f64 {
    f64::from((rate.get() / 60).max(1))
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 have 41 bits")]
fn ms(at: Timestamp) -> f64 {
    at.0 as f64
}

#[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970 have 41 bits")]
fn timestamp(ms: f64) -> Timestamp {
    Timestamp(ms.ceil() as i64)
}
