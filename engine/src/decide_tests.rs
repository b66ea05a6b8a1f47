//! The core, driven without a clock, a database or a queue.

mod properties;
mod redrive;

use std::sync::Arc;

use serde_json::json;
use uuid::Uuid;

use crate::decide::{
    Claim, Command, Dead, DeadSlot, Decision, Discard, Done, Outcome, Refusal, RetryOrder, Situation, decide,
    deliveries,
};
use crate::definition::Definition;
use crate::error::{Budget, StepError};
use crate::event::{Event, EventKind, OnItemFailure};
use crate::id::{Delivery, RunId, Slot, WorkerName};
use crate::new_run::NewRun;
use crate::retry::{Budgets, RetryPolicy, WhenSpent};
use crate::state::{ItemState, ItemStatus, RunState, RunStatus};
use crate::step::Step;
use crate::time::Timestamp;
use crate::workflow::Workflow;

/// One run in memory: decides, applies, remembers.
struct RunHarness {
    definition: Arc<Definition>,
    history: Vec<Event>,
    run: RunState,
    items: Vec<ItemState>,
    waiting: Vec<DeadSlot>,
    now: Timestamp,
}

impl RunHarness {
    fn new(on_item_failure: OnItemFailure) -> Self {
        Self::with(on_item_failure, WhenSpent::DeadLetter)
    }

    fn with(on_item_failure: OnItemFailure, when_spent: WhenSpent) -> Self {
        let budgets = Budgets { transport: 1, throttle: 1, content: 1, lost_worker: 1 };
        let policy = RetryPolicy { budgets, when_spent, ..RetryPolicy::default() };
        let none = None::<Arc<dyn Step>>;
        let workflow = Workflow::new("w", 1).step("open", policy, none.clone());
        let workflow = workflow.step_per_item("page", policy, none.clone()).step("close", policy, none);
        let new = NewRun { id: RunId(Uuid::nil()), on_item_failure, ..NewRun::new("w", "t", json!({})) };
        let first = new.submitted(1, Timestamp(0));
        let run = RunState::begin(&first).unwrap();
        let definition = Arc::clone(workflow.definition());
        let (items, waiting) = (Vec::new(), Vec::new());
        Self { definition, history: vec![first], run, items, waiting, now: Timestamp(1_000) }
    }

    fn slot(&self, item: Option<u32>) -> Slot {
        Slot { run: self.run.id, step: self.run.step, item }
    }

    fn order(&mut self, command: &Command) -> Result<Decision, Refusal> {
        let index = match command {
            Command::Claim { delivery, .. } => delivery.slot.item,
            Command::Finish { claim, .. } | Command::Lose { claim } | Command::HandBack { claim } => {
                claim.slot.item
            }
            Command::Discard(Discard { letter: (_, item), .. }) => *item,
            Command::SetAside { slot, .. } => slot.item,
            Command::RetryNow(order) | Command::GiveUp(order, _) => order.item,
            Command::Cancel | Command::Redrive(_) => None,
        };
        let item = index.and_then(|index| self.items.get(index as usize));
        let not_done = self.items.iter().filter(|item| item.status != ItemStatus::Done).cloned().collect();
        let dead = Dead { not_done, waiting: self.waiting.clone(), unreadable: false };
        let (definition, run, now) = (&self.definition, &self.run, self.now);
        let situation = Situation { definition, run, item, dead: &dead, now, jitter: 0.0 };
        let decision = decide(situation, command)?;
        for kind in &decision {
            let event = Event { run: self.run.id, seq: self.run.seq + 1, at: self.now, kind: kind.clone() };
            self.run.apply(&event);
            self.items.iter_mut().for_each(|item| item.apply(&event));
            if let EventKind::Opened { step, items: Some(count) } = kind {
                let before = self.run.attempts.before;
                self.items = (0..*count).map(|index| ItemState::open(*step, index, before, &event)).collect();
            }
            match kind {
                EventKind::DeadLettered { step, item, .. } => self.waiting.push((*step, *item)),
                EventKind::Redriven { .. } => self.waiting.clear(),
                _ => {}
            }
            self.history.push(event);
        }
        Ok(decision)
    }

    fn claim(&mut self, item: Option<u32>, attempt: u32) -> Result<Claim, Refusal> {
        let slot = self.slot(item);
        let worker = WorkerName::from("w-1".to_owned());
        self.order(&Command::Claim { delivery: Delivery { slot, attempt }, worker })?;
        let attempts = item.map_or(&self.run.attempts, |item| &self.items[item as usize].attempts);
        Ok(Claim { slot, epoch: attempts.epoch })
    }

    fn finish(&mut self, claim: &Claim, outcome: Outcome) -> Result<Decision, Refusal> {
        self.order(&Command::Finish { claim: claim.clone(), outcome, keep: false })
    }

    fn done(&mut self, claim: &Claim, items: Option<u32>) -> Decision {
        self.finish(claim, Outcome::Done(Done { output: json!("ok"), items })).unwrap()
    }

    fn open_pages(&mut self, pages: u32) {
        let claim = self.claim(None, 1).unwrap();
        self.done(&claim, Some(pages));
    }
}

#[test]
fn who_keeps_a_run_goes_on_with_a_step_that_is_its_alone() {
    let mut harness = RunHarness::new(OnItemFailure::Fail);
    let keep = |harness: &mut RunHarness, claim: &Claim, items| {
        let outcome = Outcome::Done(Done { output: json!("ok"), items });
        harness.order(&Command::Finish { claim: claim.clone(), outcome, keep: true }).unwrap()
    };
    let open = harness.claim(None, 1).unwrap();
    let decision = keep(&mut harness, &open, Some(2));
    assert_eq!(
        decision.last(),
        Some(&EventKind::Opened { step: 1, items: Some(2) }),
        "pages are everybody's"
    );
    let first = harness.claim(Some(0), 1).unwrap();
    assert_eq!(keep(&mut harness, &first, None).len(), 1, "the other page opens the next step");
    let second = harness.claim(Some(1), 1).unwrap();
    let decision = keep(&mut harness, &second, None);
    assert!(matches!(&decision[2], EventKind::Started(next) if (next.step, next.attempt) == (2, 1)));
    let told = harness.history.len() - decision.len();
    assert_eq!(deliveries(&harness.run, &harness.history[told..]), []);
    let close = Claim { slot: harness.slot(None), epoch: harness.run.attempts.epoch };
    assert_eq!(keep(&mut harness, &close, None)[1], EventKind::Completed);
    assert_eq!(RunState::replay(&harness.history).as_ref(), Some(&harness.run));
}

#[test]
fn only_what_waits_for_a_retry_is_hurried_or_given_up() {
    let mut harness = RunHarness::new(OnItemFailure::Fail);
    let of = |step, item| RetryOrder { step, item, by: "ann".to_owned(), reason: String::new() };
    assert_eq!(harness.order(&Command::RetryNow(of(0, None))), Err(Refusal::NoRetry), "never tried");
    let claim = harness.claim(None, 1).unwrap();
    assert_eq!(harness.order(&Command::RetryNow(of(0, None))), Err(Refusal::NoRetry), "running");
    let away = StepError::retry(Budget::Transport, "AWAY", "away").after_ms(60_000);
    harness.finish(&claim, Outcome::Failed(away.clone())).unwrap();
    assert_eq!(harness.order(&Command::RetryNow(of(1, None))), Err(Refusal::NoRetry), "not there yet");
    assert!(harness.claim(None, 2).is_err(), "not due");
    harness.order(&Command::RetryNow(of(0, None))).unwrap();
    assert_eq!(harness.order(&Command::RetryNow(of(0, None))), Err(Refusal::NoRetry), "due already");
    let claim = harness.claim(None, 2).unwrap();
    harness.done(&claim, Some(2));
    let page = harness.claim(Some(1), 1).unwrap();
    harness.finish(&page, Outcome::Failed(away.clone())).unwrap();
    assert_eq!(harness.order(&Command::GiveUp(of(1, None), away.clone())), Err(Refusal::NoRetry));
    let given_up = harness.order(&Command::GiveUp(of(1, Some(1)), away)).unwrap();
    assert!(matches!(given_up[1], EventKind::RunFailed { .. }), "{given_up:?}");
    assert_eq!(harness.waiting, [(1, Some(1))]);
    assert_eq!(RunState::replay(&harness.history).as_ref(), Some(&harness.run));
}

fn bad() -> Outcome {
    Outcome::Failed(StepError::permanent("BAD_PAGE", "no"))
}

fn flaky() -> Outcome {
    Outcome::Failed(StepError::retry(Budget::Content, "FLAKY", "again"))
}

#[test]
fn a_run_goes_through_its_steps_and_the_last_page_opens_the_next() {
    let mut harness = RunHarness::new(OnItemFailure::Fail);
    harness.open_pages(2);
    let first = harness.claim(Some(0), 1).unwrap();
    let second = harness.claim(Some(1), 1).unwrap();
    assert_eq!(harness.done(&second, None).len(), 1, "one page is still out");
    assert_eq!(harness.done(&first, None)[1], EventKind::Opened { step: 2, items: None });
    let last = harness.claim(None, 1).unwrap();
    assert_eq!(harness.done(&last, None)[1], EventKind::Completed);
    assert_eq!(harness.run.status, RunStatus::Completed);
    assert_eq!(harness.run.outputs.keys().copied().collect::<Vec<_>>(), [0, 2]);
    assert_eq!(
        RunState::replay(&harness.history).as_ref(),
        Some(&harness.run),
        "the history alone tells all"
    );
}

#[test]
fn a_document_without_pages_passes_over_the_fan_out() {
    let mut harness = RunHarness::new(OnItemFailure::Fail);
    harness.open_pages(0);
    assert_eq!((harness.run.step, harness.run.status), (2, RunStatus::Processing));
}

#[test]
fn forgetting_to_name_items_is_a_dead_letter_not_a_hang() {
    let mut harness = RunHarness::new(OnItemFailure::Fail);
    let claim = harness.claim(None, 1).unwrap();
    harness.done(&claim, None);
    assert_eq!(harness.run.error.as_ref().unwrap().code, "ITEMS_MISSING");
}

#[test]
fn deliveries_that_come_twice_early_or_late_are_refused() {
    let mut harness = RunHarness::new(OnItemFailure::Fail);
    let claim = harness.claim(None, 1).unwrap();
    assert_eq!(harness.claim(None, 1), Err(Refusal::Held(WorkerName::from("w-1".to_owned()))));
    harness.finish(&claim, flaky()).unwrap();
    assert_eq!(harness.claim(None, 1), Err(Refusal::Stale), "that attempt was made");
    harness.run.attempts.due_at = Timestamp(5_000);
    assert_eq!(harness.claim(None, 2), Err(Refusal::NotDue(Timestamp(5_000))));
    harness.now = Timestamp(5_000);
    let again = harness.claim(None, 2).unwrap();
    harness.done(&again, Some(1));
    let late = Delivery { slot: Slot { step: 0, ..harness.slot(None) }, attempt: 3 };
    let worker = WorkerName::from("w-2".to_owned());
    assert_eq!(harness.order(&Command::Claim { delivery: late, worker }), Err(Refusal::Stale));
}

#[test]
fn a_worker_presumed_dead_records_nothing() {
    let mut harness = RunHarness::new(OnItemFailure::Fail);
    let old = harness.claim(None, 1).unwrap();
    harness.order(&Command::Lose { claim: old.clone() }).unwrap();
    assert_eq!(harness.finish(&old, bad()), Err(Refusal::Fenced));
    let new = harness.claim(None, 2).unwrap();
    assert_eq!(harness.finish(&old, bad()), Err(Refusal::Fenced), "also while another holds it");
    harness.done(&new, Some(1));
    assert_eq!(harness.order(&Command::Lose { claim: new }), Err(Refusal::Fenced));
}

#[test]
fn a_step_that_keeps_killing_its_worker_dies() {
    let mut harness = RunHarness::new(OnItemFailure::Fail);
    for attempt in 1..=2 {
        let claim = harness.claim(None, attempt).unwrap();
        harness.order(&Command::Lose { claim }).unwrap();
    }
    assert_eq!(harness.run.status, RunStatus::Failed);
    let error = harness.run.error.as_ref().unwrap();
    assert_eq!(error.code, "WORKER_LOST");
    assert_eq!(error.message, "step `open` killed its worker 2 times; the last was w-1");
}

#[test]
fn a_dead_page_fails_the_run_or_leaves_it_partial() {
    let mut fails = RunHarness::new(OnItemFailure::Fail);
    fails.open_pages(2);
    let page = fails.claim(Some(1), 1).unwrap();
    let other = fails.claim(Some(0), 1).unwrap();
    fails.finish(&page, bad()).unwrap();
    assert_eq!(fails.run.status, RunStatus::Failed);
    assert_eq!(fails.finish(&other, bad()), Err(Refusal::Ended(RunStatus::Failed)));

    let mut partial = RunHarness::new(OnItemFailure::Partial);
    partial.open_pages(2);
    let page = partial.claim(Some(1), 1).unwrap();
    partial.finish(&page, bad()).unwrap();
    assert_eq!(partial.items[1].status, ItemStatus::Failed);
    let page = partial.claim(Some(0), 1).unwrap();
    partial.done(&page, None);
    let last = partial.claim(None, 1).unwrap();
    assert_eq!(partial.done(&last, None)[1], EventKind::CompletedPartially { failed_items: 1 });
}

#[test]
fn nothing_left_of_a_partial_run_is_a_failure() {
    let mut harness = RunHarness::new(OnItemFailure::Partial);
    harness.open_pages(1);
    let page = harness.claim(Some(0), 1).unwrap();
    harness.finish(&page, bad()).unwrap();
    assert_eq!(harness.run.error.as_ref().unwrap().code, "ALL_ITEMS_FAILED");
}

#[test]
fn a_claim_handed_back_costs_no_attempt() {
    let mut harness = RunHarness::new(OnItemFailure::Fail);
    let claim = harness.claim(None, 1).unwrap();
    harness.order(&Command::HandBack { claim }).unwrap();
    let event = harness.history.last().unwrap();
    assert_eq!(deliveries(&harness.run, std::slice::from_ref(event))[0].delivery.attempt, 1);
    assert!(harness.claim(None, 1).is_ok());
}

#[test]
fn a_cancelled_run_takes_nothing_any_more() {
    let mut harness = RunHarness::new(OnItemFailure::Fail);
    let claim = harness.claim(None, 1).unwrap();
    harness.order(&Command::Cancel).unwrap();
    assert_eq!(harness.finish(&claim, bad()), Err(Refusal::Ended(RunStatus::Cancelled)));
    assert_eq!(harness.order(&Command::Cancel), Err(Refusal::Ended(RunStatus::Cancelled)));
}

#[test]
fn another_version_of_the_workflow_is_refused_not_guessed() {
    let mut harness = RunHarness::new(OnItemFailure::Fail);
    harness.run.version = 7;
    assert_eq!(harness.claim(None, 1), Err(Refusal::OtherVersion { needed: 7, known: 1 }));
}

#[test]
fn each_opening_and_each_retry_has_its_deliveries() {
    let mut harness = RunHarness::new(OnItemFailure::Fail);
    assert_eq!(deliveries(&harness.run, &harness.history[..1]).len(), 1);
    harness.open_pages(3);
    let opened = harness.history.last().unwrap().clone();
    let items: Vec<_> = deliveries(&harness.run, &[opened]).iter().map(|d| d.delivery.slot.item).collect();
    assert_eq!(items, [Some(0), Some(1), Some(2)]);
    let page = harness.claim(Some(2), 1).unwrap();
    harness.finish(&page, flaky()).unwrap();
    let retry = deliveries(&harness.run, &harness.history[harness.history.len() - 1..]);
    assert_eq!((retry[0].delivery.slot.item, retry[0].delivery.attempt), (Some(2), 2));
}
