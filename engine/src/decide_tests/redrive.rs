//! What goes on after a death.

use serde_json::json;

use super::{RunHarness, bad, flaky};
use crate::decide::{
    Claim, Command, Decision, Discard, Redrive, RedriveItems, RedriveRefusal, Refusal, deliveries,
};
use crate::event::{EventKind, OnItemFailure, RedrivenItems};
use crate::retry::WhenSpent;
use crate::state::{ItemCount, RunState, RunStatus};

impl RunHarness {
    fn redrive(&mut self, redrive: Redrive) -> Result<Decision, Refusal> {
        self.order(&Command::Redrive(redrive))
    }

    fn discard(&mut self, letter: (u16, Option<u32>)) -> Result<Decision, Refusal> {
        self.order(&Command::Discard(Discard { letter, ..Discard::default() }))
    }

    /// The attempts that the last event points at.
    fn deliveries(&self) -> Vec<(u16, Option<u32>, u32)> {
        let deliveries = deliveries(&self.run, &self.history[self.history.len() - 1..]);
        deliveries.iter().map(|d| (d.delivery.slot.step, d.delivery.slot.item, d.delivery.attempt)).collect()
    }

    /// Three pages, of which the first is done, the second dead, the third held.
    fn with_a_dead_page(on_item_failure: OnItemFailure) -> (Self, Claim) {
        let mut harness = Self::new(on_item_failure);
        harness.open_pages(3);
        let first = harness.claim(Some(0), 1).unwrap();
        harness.done(&first, None);
        let held = harness.claim(Some(2), 1).unwrap();
        let dead = harness.claim(Some(1), 1).unwrap();
        harness.finish(&dead, bad()).unwrap();
        (harness, held)
    }

    fn ends(&mut self, page: u32, attempt: u32) {
        let claim = self.claim(Some(page), attempt).unwrap();
        self.done(&claim, None);
    }

    fn replays(&self) {
        assert_eq!(RunState::replay(&self.history).as_ref(), Some(&self.run), "the history alone tells all");
    }
}

fn refused(result: Result<Decision, Refusal>) -> RedriveRefusal {
    match result {
        Err(Refusal::Redrive(refusal)) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn a_failed_run_goes_on_with_what_is_not_done() {
    let (mut harness, zombie) = RunHarness::with_a_dead_page(OnItemFailure::Fail);
    assert_eq!(harness.run.status, RunStatus::Failed);
    harness.redrive(Redrive::default()).unwrap();
    assert_eq!((harness.run.status, harness.run.step, &harness.run.error), (RunStatus::Queued, 1, &None));
    assert_eq!(harness.run.finished_at, None);
    assert_eq!(harness.run.items, ItemCount { total: 3, done: 1, failed: 0 });
    assert_eq!(harness.deliveries(), [(1, Some(1), 2), (1, Some(2), 2)], "attempts go on counting");

    assert_eq!(harness.finish(&zombie, bad()), Err(Refusal::Fenced), "the run went on without it");
    harness.ends(1, 2);
    let again = harness.claim(Some(2), 2).unwrap();
    assert_eq!(harness.finish(&zombie, bad()), Err(Refusal::Fenced), "also while another holds the page");
    let opened = harness.done(&again, None);
    assert_eq!(opened[1], EventKind::Opened { step: 2, items: None });
    assert_eq!(harness.deliveries(), [(2, None, 2)], "also of steps that were never tried");
    let last = harness.claim(None, 2).unwrap();
    assert_eq!(harness.done(&last, None)[1], EventKind::Completed);
    harness.replays();
}

#[test]
fn of_two_redrives_one_is_refused() {
    let (mut harness, _) = RunHarness::with_a_dead_page(OnItemFailure::Fail);
    let letter = Redrive { letter: Some((1, Some(1))), ..Redrive::default() };
    harness.redrive(letter.clone()).unwrap();
    assert_eq!(refused(harness.redrive(letter.clone())), RedriveRefusal::Status(RunStatus::Queued));
    let page = harness.claim(Some(2), 2).unwrap();
    harness.finish(&page, bad()).unwrap();
    assert_eq!(refused(harness.redrive(letter)), RedriveRefusal::Settled, "that was another page's death");
    assert_eq!(refused(harness.discard((1, Some(1)))), RedriveRefusal::Settled);
}

#[test]
fn budgets_start_afresh() {
    let mut harness = RunHarness::new(OnItemFailure::Fail);
    for attempt in [1, 2] {
        let claim = harness.claim(None, attempt).unwrap();
        harness.finish(&claim, flaky()).unwrap();
    }
    assert_eq!(harness.run.status, RunStatus::Failed);
    harness.redrive(Redrive::default()).unwrap();
    assert_eq!(harness.deliveries(), [(0, None, 3)]);
    let claim = harness.claim(None, 3).unwrap();
    harness.finish(&claim, flaky()).unwrap();
    assert_eq!(harness.run.status, RunStatus::Retrying, "it has its retry again");
    harness.replays();
}

#[test]
fn a_partial_run_redoes_its_dead_pages_alone_and_what_comes_after_them() {
    let (mut harness, held) = RunHarness::with_a_dead_page(OnItemFailure::Partial);
    harness.done(&held, None);
    let last = harness.claim(None, 1).unwrap();
    harness.done(&last, None);
    assert_eq!((harness.run.status, harness.run.step), (RunStatus::Partial, 2));
    harness.redrive(Redrive::default()).unwrap();
    assert_eq!(harness.deliveries(), [(1, Some(1), 2)]);
    harness.ends(1, 2);
    let last = harness.claim(None, 2).unwrap();
    assert_eq!(harness.done(&last, None)[1], EventKind::Completed);
    assert_eq!(harness.run.items, ItemCount { total: 3, done: 3, failed: 0 });
    harness.replays();
}

#[test]
fn all_pages_are_done_again_when_that_is_asked_for() {
    let mut harness = RunHarness::new(OnItemFailure::Fail);
    harness.open_pages(2);
    harness.ends(0, 1);
    harness.ends(1, 1);
    let last = harness.claim(None, 1).unwrap();
    harness.finish(&last, bad()).unwrap();

    let input = Some(json!({ "engine": "other" }));
    let all = Redrive { from: Some(1), items: RedriveItems::All, input: input.clone(), ..Redrive::default() };
    harness.redrive(all).unwrap();
    assert_eq!(harness.deliveries(), [(1, Some(0), 2), (1, Some(1), 2)]);
    assert_eq!((harness.run.items.done, Some(&harness.run.input)), (0, input.as_ref()));
    assert_eq!(harness.run.outputs.keys().copied().collect::<Vec<_>>(), [0]);
    harness.replays();
}

#[test]
fn nothing_done_is_done_again_unasked() {
    let mut harness = RunHarness::new(OnItemFailure::Fail);
    harness.open_pages(1);
    harness.ends(0, 1);
    let last = harness.claim(None, 1).unwrap();
    harness.finish(&last, bad()).unwrap();
    let from = |from| Redrive { from: Some(from), ..Redrive::default() };
    assert_eq!(refused(harness.redrive(from(0))), RedriveRefusal::ItemsDone { from: 0, done: 1 });
    assert_eq!(refused(harness.redrive(from(3))), RedriveRefusal::NotFromThere { from: 3, died_at: 2 });
    // Every page is done: there is nothing to wait for at the pages.
    harness.redrive(from(1)).unwrap();
    assert_eq!(harness.deliveries(), [(2, None, 2)]);
    assert_eq!(harness.run.items.done, 1);
}

#[test]
fn going_on_before_the_pages_names_them_anew() {
    let (mut harness, zombie) = RunHarness::with_a_dead_page(OnItemFailure::Fail);
    let all = Redrive { from: Some(0), items: RedriveItems::All, ..Redrive::default() };
    let redriven = harness.redrive(all).unwrap();
    assert!(matches!(&redriven[0], EventKind::Redriven { step: 0, items: RedrivenItems::Dropped, .. }));
    assert_eq!(harness.run.items, ItemCount::default());
    let first = harness.claim(None, 2).unwrap();
    harness.done(&first, Some(3));
    assert_eq!(harness.deliveries(), [(1, Some(0), 2), (1, Some(1), 2), (1, Some(2), 2)]);
    harness.claim(Some(2), 2).unwrap();
    assert_eq!(harness.finish(&zombie, bad()), Err(Refusal::Fenced), "its page is another one now");
    harness.replays();
}

#[test]
fn only_what_died_can_go_on() {
    let mut harness = RunHarness::new(OnItemFailure::Fail);
    assert_eq!(refused(harness.redrive(Redrive::default())), RedriveRefusal::Status(RunStatus::Queued));
    harness.order(&Command::Cancel).unwrap();
    assert_eq!(refused(harness.redrive(Redrive::default())), RedriveRefusal::Status(RunStatus::Cancelled));
    let (mut other, _) = RunHarness::with_a_dead_page(OnItemFailure::Fail);
    other.run.version = 7;
    assert_eq!(other.redrive(Redrive::default()), Err(Refusal::OtherVersion { needed: 7, known: 1 }));
}

/// A run whose first page waits for a person, with another at work.
fn paused() -> (RunHarness, Claim) {
    let mut harness = RunHarness::with(OnItemFailure::Partial, WhenSpent::Pause);
    harness.open_pages(2);
    for attempt in [1, 2] {
        let claim = harness.claim(Some(0), attempt).unwrap();
        harness.finish(&claim, flaky()).unwrap();
    }
    let other = harness.claim(Some(1), 1).unwrap();
    (harness, other)
}

#[test]
fn a_paused_page_holds_its_run_until_it_is_redriven() {
    let (mut harness, other) = paused();
    assert_eq!(
        (harness.run.status, harness.run.is_paused()),
        (RunStatus::Retrying, true),
        "whatever else goes on"
    );
    assert_eq!(harness.run.error.as_ref().unwrap().code, "FLAKY");
    assert_eq!(harness.claim(Some(0), 3), Err(Refusal::Stale), "nobody else may try it");
    harness.redrive(Redrive::default()).unwrap();
    assert_eq!(harness.deliveries(), [(1, Some(0), 3)], "the other page is left alone");
    assert_eq!((harness.run.error.as_ref(), harness.run.is_paused()), (None, false));
    harness.done(&other, None);
    let again = harness.claim(Some(0), 3).unwrap();
    assert_eq!(harness.done(&again, None)[1], EventKind::Opened { step: 2, items: None });
    harness.replays();
}

#[test]
fn the_last_other_page_does_not_end_the_wait() {
    let (mut harness, other) = paused();
    assert_eq!(harness.done(&other, None).len(), 1, "the join waits for the paused one");
    assert_eq!(harness.run.status, RunStatus::Retrying);
}

#[test]
fn a_paused_run_fails_with_the_letter_that_is_discarded() {
    let (mut harness, other) = paused();
    assert_eq!(refused(harness.discard((1, Some(1)))), RedriveRefusal::Settled, "that page is no letter");
    let failed = harness.discard((1, Some(0))).unwrap();
    assert!(matches!(&failed[..], [EventKind::RunFailed { code, .. }] if code == "FLAKY"), "{failed:?}");
    assert_eq!(harness.finish(&other, bad()), Err(Refusal::Ended(RunStatus::Failed)));
    harness.replays();
}

#[test]
fn a_discard_leaves_an_ended_run_as_it_is() {
    let (mut harness, _) = RunHarness::with_a_dead_page(OnItemFailure::Fail);
    let before = harness.run.clone();
    assert_eq!(harness.discard((1, Some(1))).unwrap(), []);
    assert_eq!(harness.run, before);
}

#[test]
fn a_permanent_failure_pauses_nothing() {
    let mut harness = RunHarness::with(OnItemFailure::Fail, WhenSpent::Pause);
    let claim = harness.claim(None, 1).unwrap();
    harness.finish(&claim, bad()).unwrap();
    assert_eq!(harness.run.status, RunStatus::Failed);
}
