//! What holds after any sequence of pushes, pulls, acknowledgements and releases.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use uuid::Uuid;

use super::deliveries::Deliveries;
use crate::controls::Controls;
use crate::decide::Scheduled;
use crate::id::{Delivery, RunId, Slot};
use crate::time::Timestamp;

/// Longer than any of these tests lasts, so that nothing ages.
const NEVER: Duration = Duration::from_secs(1_000_000);

#[derive(Clone, Debug)]
enum Move {
    /// A new delivery, due so many milliseconds from now, or a known one again.
    Push {
        priority: u8,
        tenant: u8,
        due_in: i64,
    },
    PushAgain(usize),
    /// A known one that is due now after all.
    Hasten(usize),
    Pull(usize),
    Acknowledge(usize),
    Release(usize),
    Wait(i64),
}

fn one_move() -> impl Strategy<Value = Move> {
    prop_oneof![
        6 => (1_u8..=10, 0_u8..4, 0_i64..30)
            .prop_map(|(priority, tenant, due_in)| Move::Push { priority, tenant, due_in }),
        1 => any::<usize>().prop_map(Move::PushAgain),
        1 => any::<usize>().prop_map(Move::Hasten),
        5 => (1_usize..4).prop_map(Move::Pull),
        3 => any::<usize>().prop_map(Move::Acknowledge),
        2 => any::<usize>().prop_map(Move::Release),
        2 => (1_i64..20).prop_map(Move::Wait),
    ]
}

fn scheduled(number: u128, priority: u8, tenant: u8, due_at: Timestamp) -> Scheduled {
    let slot = Slot { run: RunId(Uuid::from_u128(number)), step: 0, item: None };
    Scheduled { delivery: Delivery { slot, attempt: 1 }, due_at, priority, tenant: format!("t{tenant}") }
}

/// The queue, and what should be in it.
struct World {
    queue: Deliveries,
    controls: Controls,
    now: Timestamp,
    pushed: Vec<Scheduled>,
    waiting: BTreeMap<Uuid, Scheduled>,
    in_flight: BTreeMap<Uuid, Scheduled>,
    acknowledged: HashSet<Uuid>,
}

impl World {
    fn new() -> Self {
        let (queue, controls, now) = (Deliveries::new(NEVER), Controls::default(), Timestamp(0));
        let (waiting, in_flight, acknowledged) = (BTreeMap::new(), BTreeMap::new(), HashSet::new());
        Self { queue, controls, now, pushed: Vec::new(), waiting, in_flight, acknowledged }
    }

    fn make(&mut self, next: &Move) {
        match *next {
            Move::Push { priority, tenant, due_in } => {
                let due_at = Timestamp(self.now.0 + due_in);
                let new = scheduled(self.pushed.len() as u128, priority, tenant, due_at);
                self.queue.push(&new, self.now);
                self.waiting.insert(new.delivery.id(), new.clone());
                self.pushed.push(new);
            }
            Move::PushAgain(at) => {
                let known = at.checked_rem(self.pushed.len()).map(|at| self.pushed[at].clone());
                // One that was acknowledged is a new one to the queue.
                let Some(known) = known.filter(|known| !self.acknowledged.contains(&known.delivery.id()))
                else {
                    return;
                };
                self.queue.push(&known, self.now);
            }
            Move::Hasten(at) => {
                let Some(id) = nth(&self.waiting, at) else { return };
                let Some(known) = self.waiting.get_mut(&id) else { return };
                known.due_at = known.due_at.min(self.now);
                self.queue.push(&known.clone(), self.now);
            }
            Move::Pull(max) => drop(self.pull(max)),
            Move::Acknowledge(at) => {
                let Some(id) = nth(&self.in_flight, at) else { return };
                self.queue.acknowledge(&[id]);
                self.in_flight.remove(&id);
                self.acknowledged.insert(id);
                // The second time changes nothing.
                self.queue.acknowledge(&[id]);
            }
            Move::Release(at) => {
                let Some(id) = nth(&self.in_flight, at) else { return };
                self.queue.release(&[id], self.now);
                self.waiting.extend(self.in_flight.remove_entry(&id));
            }
            Move::Wait(ms) => self.now.0 += ms,
        }
        let depth = self.queue.depth();
        assert_eq!(depth.ready + depth.scheduled, self.waiting.len() as u64);
        assert_eq!(depth.in_flight, self.in_flight.len() as u64);
    }

    /// Pulls, and checks what came against what could have come.
    fn pull(&mut self, max: usize) -> Vec<Scheduled> {
        let pulled = self.queue.take(max, &self.controls, self.now);
        let due = self.waiting.values().filter(|waiting| waiting.due_at <= self.now).count();
        assert_eq!(pulled.len(), max.min(due), "as many as are due, and no more than asked for");
        let mut taken = Vec::new();
        for pulled in pulled {
            let id = pulled.delivery.id();
            let scheduled = self.waiting.remove(&id).expect("it waited, and was delivered once");
            assert_eq!(pulled.tenant, scheduled.tenant);
            assert!(scheduled.due_at <= self.now, "before it was due");
            self.in_flight.insert(id, scheduled.clone());
            taken.push(scheduled);
        }
        let left = self.waiting.values().filter(|waiting| waiting.due_at <= self.now);
        let most_urgent = left.map(|left| left.priority).max().unwrap_or_default();
        assert!(taken.iter().all(|taken| taken.priority >= most_urgent), "a more urgent one was left");
        assert!(taken.is_sorted_by_key(|taken| std::cmp::Reverse(taken.priority)), "out of order: {taken:?}");
        taken
    }
}

fn nth(all: &BTreeMap<Uuid, Scheduled>, at: usize) -> Option<Uuid> {
    all.keys().nth(at.checked_rem(all.len())?).copied()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Nothing is lost, nothing is delivered twice, nothing comes early, and more
    /// urgent deliveries come first.
    #[test]
    fn each_delivery_comes_once_and_in_order(moves in vec(one_move(), 0..100)) {
        let mut world = World::new();
        moves.iter().for_each(|next| world.make(next));
        world.now.0 += 1_000;
        while !world.waiting.is_empty() {
            prop_assert!(!world.pull(3).is_empty());
        }
        for id in std::mem::take(&mut world.in_flight).into_keys() {
            world.queue.acknowledge(&[id]);
            world.acknowledged.insert(id);
        }
        prop_assert_eq!(world.acknowledged.len(), world.pushed.len(), "one was lost");
        prop_assert_eq!(world.queue.len(), 0);
    }

    /// Tenants take turns: while two wait at one level, neither is served more than
    /// one delivery ahead of the other. Within a tenant the oldest comes first.
    #[test]
    fn tenants_are_served_evenly(
        counts in vec(1_usize..12, 2..6),
        order in any::<prop::sample::Index>(),
    ) {
        let mut queue = Deliveries::new(NEVER);
        let mut left: HashMap<String, usize> = HashMap::new();
        let all: usize = counts.iter().sum();
        let mut tenants: Vec<u8> = Vec::new();
        for (tenant, count) in (0..).zip(&counts) {
            tenants.extend(std::iter::repeat_n(tenant, *count));
        }
        // One tenant's deliveries are pushed in a block, beginning anywhere.
        tenants.rotate_left(order.index(all));
        for (number, tenant) in (0..).zip(&tenants) {
            let new = scheduled(number, 5, *tenant, Timestamp(0));
            *left.entry(new.tenant.clone()).or_default() += 1;
            queue.push(&new, Timestamp(0));
        }
        let (mut served, mut last): (HashMap<String, usize>, HashMap<String, u128>) = Default::default();
        for _ in 0..all {
            let pulled = queue.take(1, &Controls::default(), Timestamp(0)).pop().expect("some wait");
            let number = pulled.delivery.slot.run.0.as_u128();
            prop_assert!(last.insert(pulled.tenant.clone(), number).is_none_or(|before| before < number));
            *served.entry(pulled.tenant.clone()).or_default() += 1;
            *left.get_mut(&pulled.tenant).unwrap() -= 1;
            let waiting: BTreeSet<usize> = left
                .iter()
                .filter(|(_, left)| **left > 0)
                .map(|(tenant, _)| served.get(tenant).copied().unwrap_or_default())
                .collect();
            let spread = waiting.last().unwrap_or(&0) - waiting.first().unwrap_or(&0);
            prop_assert!(spread <= 1, "served {served:?}, left {left:?}");
        }
    }
}
