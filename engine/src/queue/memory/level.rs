//! One level of priority: a line for each tenant, and whose turn it is.
//!
//! Turns are taken by virtual time: a delivery costs a tenant a stride, less of
//! one the more it weighs, and whoever is furthest behind is next.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use uuid::Uuid;

use crate::time::Timestamp;

/// QueuePosition in a line: first what became due first, then what was pushed first.
pub(super) type QueuePosition = (Timestamp, u64);

/// What a delivery costs a tenant of weight 1.
const STRIDE: u64 = 1 << 20;

#[derive(Default)]
pub(super) struct Level {
    lines: HashMap<Arc<str>, TenantLine>,
    /// Who takes turns, by time. One whose line became empty stays until its
    /// turn comes: else it would gain by leaving and coming back.
    ring: BTreeSet<(u64, Arc<str>)>,
    /// Lines by the time when their first may go a level up.
    ages: BTreeSet<(Timestamp, Arc<str>)>,
    waiting: u64,
}

#[derive(Default)]
struct TenantLine {
    waiting: BTreeMap<QueuePosition, Uuid>,
    /// The tenant's time, if it is in the ring.
    turn: Option<u64>,
    rises_at: Option<Timestamp>,
}

/// Whose turn it is.
pub(super) struct Turn {
    pub(super) tenant: Arc<str>,
    /// How far it is behind the next one; `None` if there is no other.
    behind: Option<u64>,
}

impl Level {
    /// Deliveries that wait.
    pub(super) fn waiting(&self) -> u64 {
        self.waiting
    }

    /// Puts a delivery into its tenant's line, which takes part if it `may`.
    pub(super) fn enter(&mut self, tenant: &Arc<str>, position: QueuePosition, id: Uuid, may: bool) {
        let line = self.lines.entry(Arc::clone(tenant)).or_default();
        line.waiting.insert(position, id);
        self.waiting += 1;
        if may {
            self.join(tenant);
        }
    }

    /// Lets a tenant take part, if it has a line, from where the least served one
    /// is: who was idle has no credit for it.
    pub(super) fn join(&mut self, tenant: &Arc<str>) {
        let least = self.ring.first().map_or(0, |(time, _)| *time);
        let Some(line) = self.lines.get_mut(tenant).filter(|line| line.turn.is_none()) else { return };
        line.turn = Some(least);
        self.ring.insert((least, Arc::clone(tenant)));
    }

    /// Takes a tenant that may start nothing out of the ring.
    pub(super) fn leave(&mut self, tenant: &Arc<str>) {
        if let Some(time) = self.lines.get_mut(tenant).and_then(|line| line.turn.take()) {
            self.ring.remove(&(time, Arc::clone(tenant)));
        }
        self.drop_if_over(tenant);
    }

    /// Whose turn it is, among those who wait for something.
    pub(super) fn turn(&mut self) -> Option<Turn> {
        while let Some((_, tenant)) = self.ring.first() {
            let tenant = Arc::clone(tenant);
            if self.first(&tenant).is_some() {
                let mut times = self.ring.iter().map(|(time, _)| *time);
                let behind = times.next().and_then(|own| times.next().map(|other| other - own));
                return Some(Turn { tenant, behind });
            }
            self.leave(&tenant);
        }
        None
    }

    /// Serves the tenant whose turn it is: as many as bring it to where the next
    /// one is, but no more than `most`.
    pub(super) fn serve(&mut self, turn: &Turn, weight: u32, most: usize) -> Vec<Uuid> {
        let stride = (STRIDE / u64::from(weight)).max(1);
        let fair = turn.behind.map_or(u64::MAX, |behind| behind.div_ceil(stride).max(1));
        let most = most.min(usize::try_from(fair).unwrap_or(usize::MAX));
        let mut served = Vec::new();
        while served.len() < most
            && let Some(id) = self.take_first(&turn.tenant)
        {
            served.push(id);
        }
        self.advance(&turn.tenant, stride * served.len() as u64);
        served
    }

    fn advance(&mut self, tenant: &Arc<str>, by: u64) {
        let Some(line) = self.lines.get_mut(tenant) else { return };
        if let Some(time) = line.turn {
            line.turn = Some(time + by);
            self.ring.remove(&(time, Arc::clone(tenant)));
            self.ring.insert((time + by, Arc::clone(tenant)));
        }
    }

    /// The first in a tenant's line.
    pub(super) fn first(&self, tenant: &str) -> Option<Uuid> {
        self.lines.get(tenant)?.waiting.values().next().copied()
    }

    /// Takes the first out of a tenant's line.
    pub(super) fn take_first(&mut self, tenant: &Arc<str>) -> Option<Uuid> {
        let (_, first) = self.lines.get_mut(tenant)?.waiting.pop_first()?;
        self.waiting -= 1;
        self.drop_if_over(tenant);
        if self.waiting == 0 {
            // Nobody competes any more, so no time counts.
            *self = Self::default();
        }
        Some(first)
    }

    /// An empty line does not age, and ends unless its tenant is in the ring.
    fn drop_if_over(&mut self, tenant: &Arc<str>) {
        let Some(line) = self.lines.get_mut(tenant).filter(|line| line.waiting.is_empty()) else { return };
        if let Some(rises_at) = line.rises_at.take() {
            self.ages.remove(&(rises_at, Arc::clone(tenant)));
        }
        if line.turn.is_none() {
            self.lines.remove(tenant);
        }
    }

    /// Has a line's first looked at at `at`, or earlier if that was said before.
    pub(super) fn look_at_latest(&mut self, tenant: &Arc<str>, at: Timestamp) {
        let known = self.lines.get(tenant).and_then(|line| line.rises_at);
        if known.is_none_or(|known| at < known) {
            self.look_at(tenant, at);
        }
    }

    /// Has a line's first looked at at `at`.
    pub(super) fn look_at(&mut self, tenant: &Arc<str>, at: Timestamp) {
        let Some(line) = self.lines.get_mut(tenant) else { return };
        if let Some(known) = line.rises_at.replace(at) {
            self.ages.remove(&(known, Arc::clone(tenant)));
        }
        self.ages.insert((at, Arc::clone(tenant)));
    }

    /// A line that is to be looked at by now.
    pub(super) fn aged(&self, now: Timestamp) -> Option<Arc<str>> {
        self.ages.first().filter(|(at, _)| *at <= now).map(|(_, tenant)| Arc::clone(tenant))
    }
}
