//! What stands in one topic, and in which order it comes out.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::allowance::{Allowances, Permit};
use super::level::{Level, QueuePosition};
use crate::controls::Controls;
use crate::decide::Scheduled;
use crate::id::Delivery;
use crate::queue::{Depth, PRIORITY_MAX, Pulled};
use crate::time::Timestamp;

/// Levels of priority, 1 to 10; level 0 is not used.
const LEVELS: usize = PRIORITY_MAX as usize + 1;

/// Tenants that one look passes over because they may start nothing: each is out
/// of the way after that, so no look takes long.
const SKIPPED_MAX: usize = 32;

#[derive(Clone)]
struct Entry {
    delivery: Delivery,
    tenant: Arc<str>,
    position: QueuePosition,
    priority: usize,
    /// Where it waits: its priority, and one more for each age step it waited.
    level: usize,
    in_flight: bool,
}

impl Entry {
    /// Counts a level higher for each age step that it waited.
    fn age(&mut self, age_step: Duration, now: Timestamp) {
        let steps = now.since(self.position.0).as_millis() / age_step.as_millis().max(1);
        let level = self.priority.saturating_add(usize::try_from(steps).unwrap_or(usize::MAX));
        self.level = level.clamp(self.level, LEVELS - 1);
    }

    /// When it may go up from the level where it is.
    fn rises_at(&self, age_step: Duration) -> Timestamp {
        let steps = u32::try_from(self.level + 1 - self.priority).unwrap_or(u32::MAX);
        self.position.0.after(age_step.saturating_mul(steps))
    }
}

pub(super) struct Deliveries {
    age_step: Duration,
    known: HashMap<Uuid, Entry>,
    levels: [Level; LEVELS],
    scheduled: BTreeMap<QueuePosition, Uuid>,
    in_flight: u64,
    allowances: Allowances,
    /// The last look passed over as many as it may, and gave nothing.
    unfinished: bool,
    pushes: u64,
}

impl Deliveries {
    pub(super) fn new(age_step: Duration) -> Self {
        Self {
            age_step,
            known: HashMap::new(),
            levels: std::array::from_fn(|_| Level::default()),
            scheduled: BTreeMap::new(),
            in_flight: 0,
            allowances: Allowances::default(),
            unfinished: false,
            pushes: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    pub(super) fn push(&mut self, due: &Scheduled, now: Timestamp) {
        let id = due.delivery.id();
        self.pushes += 1;
        if let Some(entry) = self.known.get_mut(&id) {
            let earlier = (due.due_at, self.pushes);
            if earlier.0 < entry.position.0 && self.scheduled.remove(&entry.position).is_some() {
                entry.position = earlier;
                self.wait(id, now);
            }
            return;
        }
        let level = usize::from(due.priority.clamp(1, PRIORITY_MAX));
        let entry = Entry {
            delivery: due.delivery,
            tenant: due.tenant.as_str().into(),
            position: (due.due_at, self.pushes),
            priority: level,
            level,
            in_flight: false,
        };
        self.known.insert(id, entry);
        self.wait(id, now);
    }

    /// Puts a known delivery where it is to wait.
    fn wait(&mut self, id: Uuid, now: Timestamp) {
        let Some(entry) = self.known.get_mut(&id) else { return };
        if entry.position.0 > now {
            self.scheduled.insert(entry.position, id);
            return;
        }
        entry.age(self.age_step, now);
        let entry = entry.clone();
        let may = !self.allowances.is_parked(&entry.tenant);
        let level = &mut self.levels[entry.level];
        level.enter(&entry.tenant, entry.position, id, may);
        if entry.level < LEVELS - 1 {
            level.look_at_latest(&entry.tenant, entry.rises_at(self.age_step));
        }
    }

    pub(super) fn promote(&mut self, now: Timestamp) {
        while let Some((&position, &id)) = self.scheduled.first_key_value()
            && position.0 <= now
        {
            self.scheduled.remove(&position);
            self.wait(id, now);
        }
    }

    /// Takes up to `max` of those that are due.
    pub(super) fn take(&mut self, max: usize, controls: &Controls, now: Timestamp) -> Vec<Pulled> {
        self.promote(now);
        while let Some(tenant) = self.allowances.over(now) {
            self.unpark(&tenant);
        }
        self.age(max + 2, now);
        let (mut taken, mut skipped) = (Vec::new(), 0);
        for level in (1..LEVELS).rev() {
            while taken.len() < max
                && skipped < SKIPPED_MAX
                && let Some(turn) = self.levels[level].turn()
            {
                let set = controls.of(&turn.tenant);
                match self.allowances.permit(&turn.tenant, set, max - taken.len(), now) {
                    Permit::UpTo(count) => {
                        let ids = self.levels[level].serve(&turn, set.weight.get(), count);
                        let starts = u32::try_from(ids.len()).unwrap_or(u32::MAX);
                        self.allowances.start(&turn.tenant, set, starts, now);
                        taken.extend(ids);
                    }
                    Permit::NoneUntil(until) => {
                        self.levels[level].leave(&turn.tenant);
                        self.allowances.park(&turn.tenant, until);
                        skipped += 1;
                    }
                }
            }
        }
        self.unfinished = taken.is_empty() && skipped >= SKIPPED_MAX;
        taken.into_iter().filter_map(|id| self.fly(id)).collect()
    }

    fn fly(&mut self, id: Uuid) -> Option<Pulled> {
        let entry = self.known.get_mut(&id)?;
        entry.in_flight = true;
        self.in_flight += 1;
        Some(Pulled { delivery: entry.delivery, tenant: entry.tenant.to_string() })
    }

    /// Has the oldest that waited long enough count a level higher; looks at up
    /// to `looks` tenants.
    fn age(&mut self, mut looks: usize, now: Timestamp) {
        for level in (1..LEVELS - 1).rev() {
            while looks > 0
                && let Some(tenant) = self.levels[level].aged(now)
            {
                looks -= 1;
                self.rise(level, &tenant, now);
            }
        }
    }

    fn rise(&mut self, level: usize, tenant: &Arc<str>, now: Timestamp) {
        let first = self.levels[level].first(tenant);
        let Some(entry) = first.and_then(|id| self.known.get_mut(&id)) else { return };
        let rises_at = entry.rises_at(self.age_step);
        if rises_at > now {
            return self.levels[level].look_at(tenant, rises_at);
        }
        let id = entry.delivery.id();
        // The tenant's next is looked at after those of the others.
        self.levels[level].look_at(tenant, now);
        self.levels[level].take_first(tenant);
        self.wait(id, now);
    }

    fn unpark(&mut self, tenant: &Arc<str>) {
        self.allowances.unpark(tenant);
        self.levels.iter_mut().for_each(|level| level.join(tenant));
    }

    /// Looks at everybody again: what they may start has changed.
    pub(super) fn unpark_all(&mut self) {
        for tenant in self.allowances.all_parked() {
            self.unpark(&tenant);
        }
    }

    /// Gives up the position in flight, if it has one; whether its tenant may go on
    /// that was at its limit.
    fn land(&mut self, id: &Uuid) -> Option<bool> {
        let entry = self.known.get_mut(id).filter(|entry| entry.in_flight)?;
        entry.in_flight = false;
        self.in_flight -= 1;
        let tenant = Arc::clone(&entry.tenant);
        let frees = self.allowances.end(&tenant);
        if frees {
            self.unpark(&tenant);
        }
        Some(frees)
    }

    /// Forgets those that are in flight; whether a tenant may go on that was at
    /// its limit.
    pub(super) fn acknowledge(&mut self, ids: &[Uuid]) -> bool {
        let mut freed = false;
        for id in ids {
            if let Some(frees) = self.land(id) {
                self.known.remove(id);
                freed |= frees;
            }
        }
        freed
    }

    pub(super) fn release(&mut self, ids: &[Uuid], now: Timestamp) {
        for id in ids {
            if self.land(id).is_some() {
                self.wait(*id, now);
            }
        }
    }

    /// Deliveries that wait at `priority` or above.
    pub(super) fn waiting_from(&self, priority: u8) -> u64 {
        self.levels.iter().skip(usize::from(priority)).map(Level::waiting).sum()
    }

    pub(super) fn depth(&self) -> Depth {
        let (ready, scheduled) = (self.waiting_from(0), self.scheduled.len() as u64);
        Depth { ready, scheduled, in_flight: self.in_flight }
    }

    /// When there will be something to look for.
    pub(super) fn next_look(&self, now: Timestamp) -> Option<Timestamp> {
        if self.unfinished {
            return Some(now);
        }
        let due = self.scheduled.first_key_value().map(|(position, _)| position.0);
        due.into_iter().chain(self.allowances.next_over()).min()
    }
}
