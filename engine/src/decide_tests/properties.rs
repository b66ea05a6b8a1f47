//! What holds after any sequence of commands.

use std::collections::{BTreeMap, HashSet};

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

use super::RunHarness;
use crate::decide::{Claim, Command, DeadSlot, Discard, Done, Outcome, Redrive, RedriveItems, deliveries};
use crate::definition::Spread;
use crate::error::{Budget, StepError};
use crate::event::{Event, EventKind, OnItemFailure, RedrivenItems};
use crate::id::{Delivery, Slot, WorkerName};
use crate::retry::WhenSpent;
use crate::state::{Attempts, ItemStatus, RunState};

/// What happens next. A number picks one of those it can happen to.
#[derive(Clone, Debug)]
enum Move {
    /// A worker claims what a delivery points at, however old that is.
    Claim(usize),
    /// A worker that holds its claim finishes.
    Finish(usize, Outcome, bool),
    /// A worker that lost its claim, or finished before, finishes.
    FinishLate(usize, Outcome, bool),
    Lose(usize),
    HandBack(usize),
    Cancel,
    Redrive(Option<u16>, RedriveItems),
    Discard(usize),
    SetAside(Option<u32>),
}

fn outcome() -> impl Strategy<Value = Outcome> {
    let budget = prop_oneof![Just(Budget::Transport), Just(Budget::Throttle), Just(Budget::Content)];
    prop_oneof![
        6 => (0_u32..4).prop_map(|items| Outcome::Done(Done { output: json!("ok"), items: Some(items) })),
        1 => Just(Outcome::Done(Done::default())),
        3 => budget.prop_map(|budget| Outcome::Failed(StepError::retry(budget, "AGAIN", "no"))),
        1 => Just(Outcome::Failed(StepError::permanent("NEVER", "no"))),
    ]
}

fn one_move() -> impl Strategy<Value = Move> {
    let (any_index, from) = (any::<usize>, prop_oneof![3 => Just(None), 2 => (0_u16..4).prop_map(Some)]);
    let items = prop_oneof![Just(RedriveItems::NotDone), Just(RedriveItems::All)];
    let finish = || (any_index(), outcome(), any::<bool>());
    prop_oneof![
        16 => any_index().prop_map(Move::Claim),
        16 => finish().prop_map(|(at, outcome, keep)| Move::Finish(at, outcome, keep)),
        4 => finish().prop_map(|(at, outcome, keep)| Move::FinishLate(at, outcome, keep)),
        3 => any_index().prop_map(Move::Lose),
        2 => any_index().prop_map(Move::HandBack),
        1 => Just(Move::Cancel),
        6 => (from, items).prop_map(|(from, items)| Move::Redrive(from, items)),
        1 => any_index().prop_map(Move::Discard),
        1 => proptest::option::of(0_u32..4).prop_map(Move::SetAside),
    ]
}

/// A run, and what its events say of it.
struct World {
    harness: RunHarness,
    /// Every delivery that was called for.
    pushed: Vec<Delivery>,
    /// The claims that may record an outcome.
    live: BTreeMap<DeadSlot, Claim>,
    /// Those that may not any more.
    old: Vec<Claim>,
    epochs: HashSet<(Slot, u64)>,
    attempts: HashSet<(Slot, u32)>,
    ended: bool,
}

fn pick<T>(all: &[T], at: usize) -> Option<&T> {
    all.get(at.checked_rem(all.len())?)
}

impl World {
    fn new(on_item_failure: OnItemFailure, when_spent: WhenSpent) -> Self {
        let harness = RunHarness::with(on_item_failure, when_spent);
        let pushed = deliveries(&harness.run, &harness.history).iter().map(|next| next.delivery).collect();
        let (epochs, attempts) = (HashSet::new(), HashSet::new());
        Self { harness, pushed, live: BTreeMap::new(), old: Vec::new(), epochs, attempts, ended: false }
    }

    fn make(&mut self, next: Move) {
        let live: Vec<Claim> = self.live.values().cloned().collect();
        let command = match next {
            Move::Claim(at) => pick(&self.pushed, at).map(|delivery| Command::Claim {
                delivery: *delivery,
                worker: WorkerName::from("w".to_owned()),
            }),
            Move::Finish(at, outcome, keep) => {
                pick(&live, at).cloned().map(|claim| Command::Finish { claim, outcome, keep })
            }
            Move::FinishLate(at, outcome, keep) => {
                let late = pick(&self.old, at).cloned();
                let command = late.map(|claim| Command::Finish { claim, outcome, keep });
                if let Some(command) = command {
                    assert!(self.harness.order(&command).is_err(), "an old claim recorded an outcome");
                }
                None
            }
            Move::Lose(at) => pick(&live, at).cloned().map(|claim| Command::Lose { claim }),
            Move::HandBack(at) => pick(&live, at).cloned().map(|claim| Command::HandBack { claim }),
            Move::Cancel => Some(Command::Cancel),
            Move::Redrive(from, items) => {
                Some(Command::Redrive(Redrive { from, items, ..Redrive::default() }))
            }
            Move::Discard(at) => pick(&self.harness.waiting, at)
                .map(|letter| Command::Discard(Discard { letter: *letter, ..Discard::default() })),
            Move::SetAside(item) => {
                let error = StepError::permanent("ROW_UNREADABLE", "no");
                Some(Command::SetAside { slot: self.harness.slot(item), error })
            }
        };
        if let Some(command) = command {
            self.order(&command);
        }
    }

    /// Follows a command, or refuses it and records nothing.
    fn order(&mut self, command: &Command) -> bool {
        let before = self.harness.history.len();
        if self.harness.order(command).is_err() {
            assert_eq!(self.harness.history.len(), before);
            return false;
        }
        match command {
            Command::Discard(discard) => self.harness.waiting.retain(|letter| *letter != discard.letter),
            Command::Cancel => self.harness.waiting.clear(),
            _ => {}
        }
        let events = self.harness.history[before..].to_vec();
        self.pushed.extend(deliveries(&self.harness.run, &events).iter().map(|next| next.delivery));
        events.iter().for_each(|event| self.follow(event));
        self.check();
        true
    }

    fn follow(&mut self, event: &Event) {
        let is_redrive = matches!(event.kind, EventKind::Redriven { .. });
        assert!(!self.ended || is_redrive, "{:?} after the end", event.kind);
        match &event.kind {
            EventKind::Started(attempt) => {
                let key = (attempt.step, attempt.item);
                let slot = Slot { run: event.run, step: attempt.step, item: attempt.item };
                let epoch = self.attempts_at(key).epoch;
                assert!(self.epochs.insert((slot, epoch)), "epoch {epoch} of {slot} a second time");
                let attempt = attempt.attempt;
                assert!(self.attempts.insert((slot, attempt)), "attempt {attempt} at {slot} a second time");
                let other = self.live.insert(key, Claim { slot, epoch });
                assert_eq!(other, None, "two live attempts");
            }
            EventKind::HandedBack(attempt) => {
                self.over((attempt.step, attempt.item));
                // It does not count, so its number is given again.
                let slot = Slot { run: event.run, step: attempt.step, item: attempt.item };
                self.attempts.remove(&(slot, attempt.attempt));
            }
            EventKind::Succeeded { attempt, .. }
            | EventKind::Failed { attempt, .. }
            | EventKind::Lost(attempt) => self.over((attempt.step, attempt.item)),
            EventKind::DeadLettered { step, item, .. } => self.over((*step, *item)),
            EventKind::Redriven { items, .. } => {
                self.ended = false;
                match items {
                    RedrivenItems::Reopened(items) => {
                        let step = self.harness.run.step;
                        items.iter().for_each(|item| self.over((step, Some(*item))));
                    }
                    RedrivenItems::Dropped => {
                        self.harness.items.clear();
                        self.all_over();
                    }
                    RedrivenItems::Kept => {}
                }
            }
            EventKind::Cancelled
            | EventKind::Completed
            | EventKind::CompletedPartially { .. }
            | EventKind::RunFailed { .. } => {
                self.ended = true;
                self.all_over();
            }
            EventKind::Submitted { .. } | EventKind::Opened { .. } | EventKind::RetryScheduled { .. } => {}
        }
    }

    fn over(&mut self, key: DeadSlot) {
        self.old.extend(self.live.remove(&key));
    }

    fn all_over(&mut self) {
        self.old.extend(std::mem::take(&mut self.live).into_values());
    }

    fn attempts_at(&self, (_, item): DeadSlot) -> &Attempts {
        item.map_or(&self.harness.run.attempts, |item| &self.harness.items[item as usize].attempts)
    }

    fn check(&self) {
        let (run, items) = (&self.harness.run, &self.harness.items);
        assert_eq!(RunState::replay(&self.harness.history).as_ref(), Some(run), "the history tells all");
        assert_eq!(self.ended, run.status.is_terminal());
        let count =
            |status| u32::try_from(items.iter().filter(|item| item.status == status).count()).unwrap();
        assert_eq!((run.items.done, run.items.failed), (count(ItemStatus::Done), count(ItemStatus::Failed)));
        if self.ended {
            return;
        }
        for (key, attempts) in self.open() {
            assert_eq!(attempts.holder.is_some(), self.live.contains_key(&key), "{key:?}");
            let next =
                Delivery { slot: Slot { run: run.id, step: key.0, item: key.1 }, attempt: attempts.made + 1 };
            let waits = attempts.holder.is_none() && attempts.paused == 0;
            assert!(!waits || self.pushed.contains(&next), "nobody was ever told of {next:?}");
        }
    }

    /// The slots that can be claimed, are held, or wait for an operator.
    fn open(&self) -> Vec<(DeadSlot, &Attempts)> {
        let (run, spread) =
            (&self.harness.run, self.harness.definition.step(self.harness.run.step).unwrap().spread);
        match spread {
            Spread::Once => vec![((run.step, None), &run.attempts)],
            Spread::PerItem => {
                let pending = self.harness.items.iter().filter(|item| item.status == ItemStatus::Pending);
                pending.map(|item| ((item.step, Some(item.index)), &item.attempts)).collect()
            }
        }
    }

    /// Has everything succeed from here on.
    fn succeed_from_here(&mut self) {
        // Three steps of at most four slots, each redriven, claimed and finished.
        for _ in 0..60 {
            if self.ended {
                return;
            }
            let done = Outcome::Done(Done { output: json!("ok"), items: Some(2) });
            if let Some(claim) = self.live.values().next().cloned() {
                assert!(self.order(&Command::Finish { claim, outcome: done, keep: false }));
                continue;
            }
            let open = self.open().into_iter().map(|(key, attempts)| (key, attempts.clone()));
            match open.clone().find(|(_, attempts)| attempts.paused == 0) {
                Some((key, attempts)) => {
                    let slot = Slot { run: self.harness.run.id, step: key.0, item: key.1 };
                    let delivery = Delivery { slot, attempt: attempts.made + 1 };
                    let worker = WorkerName::from("w".to_owned());
                    assert!(self.order(&Command::Claim { delivery, worker }), "{delivery:?}");
                }
                None => assert!(self.order(&Command::Redrive(Redrive::default())), "{:?}", self.harness.run),
            }
        }
        panic!("it never ends: {:?}", self.harness.history);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_commands_breaks_a_run(
        moves in vec(one_move(), 0..80),
        partial in any::<bool>(),
        pauses in any::<bool>(),
    ) {
        let on_item_failure = if partial { OnItemFailure::Partial } else { OnItemFailure::Fail };
        let when_spent = if pauses { WhenSpent::Pause } else { WhenSpent::DeadLetter };
        let mut world = World::new(on_item_failure, when_spent);
        moves.into_iter().for_each(|next| world.make(next));
        world.succeed_from_here();
    }
}
