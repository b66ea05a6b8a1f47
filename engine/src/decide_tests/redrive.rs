//! What goes on after a death.

use serde_json::json;

use super::{Bench, bad, flaky};
use crate::decide::{
    Claim, Command, Decision, Discard, Redrive, RedriveItems, RedriveRefusal, Refusal, deliveries,
};
use crate::event::{EventKind, OnItemFailure, RedrivenItems};
use crate::retry::WhenSpent;
use crate::state::{ItemCount, RunState, RunStatus};

impl Bench {
    fn redrive(&mut self, redrive: Redrive) -> Result<Decision, Refusal> {
        self.order(&Command::Redrive(redrive))
    }

    fn discard(&mut self, letter: (u16, Option<u32>)) -> Result<Decision, Refusal> {
        self.order(&Command::Discard(Discard { letter, ..Discard::default() }))
    }

    /// The attempts that the last event points at.
    fn pointers(&self) -> Vec<(u16, Option<u32>, u32)> {
        let deliveries = deliveries(&self.run, &self.history[self.history.len() - 1..]);
        deliveries.iter().map(|d| (d.delivery.slot.step, d.delivery.slot.item, d.delivery.attempt)).collect()
    }

    /// Three pages, of which the first is done, the second dead, the third held.
    fn with_a_dead_page(on_item_failure: OnItemFailure) -> (Self, Claim) {
        let mut bench = Self::new(on_item_failure);
        bench.open_pages(3);
        let first = bench.claim(Some(0), 1).unwrap();
        bench.done(&first, None);
        let held = bench.claim(Some(2), 1).unwrap();
        let dead = bench.claim(Some(1), 1).unwrap();
        bench.finish(&dead, bad()).unwrap();
        (bench, held)
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
    let (mut bench, zombie) = Bench::with_a_dead_page(OnItemFailure::Fail);
    assert_eq!(bench.run.status, RunStatus::Failed);
    bench.redrive(Redrive::default()).unwrap();
    assert_eq!((bench.run.status, bench.run.step, &bench.run.error), (RunStatus::Queued, 1, &None));
    assert_eq!(bench.run.finished_at, None);
    assert_eq!(bench.run.items, ItemCount { total: 3, done: 1, failed: 0 });
    assert_eq!(bench.pointers(), [(1, Some(1), 2), (1, Some(2), 2)], "attempts go on counting");

    assert_eq!(bench.finish(&zombie, bad()), Err(Refusal::Fenced), "the run went on without it");
    bench.ends(1, 2);
    let again = bench.claim(Some(2), 2).unwrap();
    assert_eq!(bench.finish(&zombie, bad()), Err(Refusal::Fenced), "also while another holds the page");
    let opened = bench.done(&again, None);
    assert_eq!(opened[1], EventKind::Opened { step: 2, items: None });
    assert_eq!(bench.pointers(), [(2, None, 2)], "also of steps that were never tried");
    let last = bench.claim(None, 2).unwrap();
    assert_eq!(bench.done(&last, None)[1], EventKind::Completed);
    bench.replays();
}

#[test]
fn of_two_redrives_one_is_refused() {
    let (mut bench, _) = Bench::with_a_dead_page(OnItemFailure::Fail);
    let letter = Redrive { letter: Some((1, Some(1))), ..Redrive::default() };
    bench.redrive(letter.clone()).unwrap();
    assert_eq!(refused(bench.redrive(letter.clone())), RedriveRefusal::Status(RunStatus::Queued));
    let page = bench.claim(Some(2), 2).unwrap();
    bench.finish(&page, bad()).unwrap();
    assert_eq!(refused(bench.redrive(letter)), RedriveRefusal::Settled, "that was another page's death");
    assert_eq!(refused(bench.discard((1, Some(1)))), RedriveRefusal::Settled);
}

#[test]
fn budgets_start_afresh() {
    let mut bench = Bench::new(OnItemFailure::Fail);
    for attempt in [1, 2] {
        let claim = bench.claim(None, attempt).unwrap();
        bench.finish(&claim, flaky()).unwrap();
    }
    assert_eq!(bench.run.status, RunStatus::Failed);
    bench.redrive(Redrive::default()).unwrap();
    assert_eq!(bench.pointers(), [(0, None, 3)]);
    let claim = bench.claim(None, 3).unwrap();
    bench.finish(&claim, flaky()).unwrap();
    assert_eq!(bench.run.status, RunStatus::Retrying, "it has its retry again");
    bench.replays();
}

#[test]
fn a_partial_run_redoes_its_dead_pages_alone_and_what_comes_after_them() {
    let (mut bench, held) = Bench::with_a_dead_page(OnItemFailure::Partial);
    bench.done(&held, None);
    let last = bench.claim(None, 1).unwrap();
    bench.done(&last, None);
    assert_eq!((bench.run.status, bench.run.step), (RunStatus::Partial, 2));
    bench.redrive(Redrive::default()).unwrap();
    assert_eq!(bench.pointers(), [(1, Some(1), 2)]);
    bench.ends(1, 2);
    let last = bench.claim(None, 2).unwrap();
    assert_eq!(bench.done(&last, None)[1], EventKind::Completed);
    assert_eq!(bench.run.items, ItemCount { total: 3, done: 3, failed: 0 });
    bench.replays();
}

#[test]
fn all_pages_are_done_again_when_that_is_asked_for() {
    let mut bench = Bench::new(OnItemFailure::Fail);
    bench.open_pages(2);
    bench.ends(0, 1);
    bench.ends(1, 1);
    let last = bench.claim(None, 1).unwrap();
    bench.finish(&last, bad()).unwrap();

    let input = Some(json!({ "engine": "other" }));
    let all = Redrive { from: Some(1), pages: RedriveItems::All, input: input.clone(), ..Redrive::default() };
    bench.redrive(all).unwrap();
    assert_eq!(bench.pointers(), [(1, Some(0), 2), (1, Some(1), 2)]);
    assert_eq!((bench.run.items.done, Some(&bench.run.input)), (0, input.as_ref()));
    assert_eq!(bench.run.outputs.keys().copied().collect::<Vec<_>>(), [0]);
    bench.replays();
}

#[test]
fn nothing_done_is_done_again_unasked() {
    let mut bench = Bench::new(OnItemFailure::Fail);
    bench.open_pages(1);
    bench.ends(0, 1);
    let last = bench.claim(None, 1).unwrap();
    bench.finish(&last, bad()).unwrap();
    let from = |from| Redrive { from: Some(from), ..Redrive::default() };
    assert_eq!(refused(bench.redrive(from(0))), RedriveRefusal::ItemsDone { from: 0, done: 1 });
    assert_eq!(refused(bench.redrive(from(3))), RedriveRefusal::NotFromThere { from: 3, died_at: 2 });
    // Every page is done: there is nothing to wait for at the pages.
    bench.redrive(from(1)).unwrap();
    assert_eq!(bench.pointers(), [(2, None, 2)]);
    assert_eq!(bench.run.items.done, 1);
}

#[test]
fn going_on_before_the_pages_names_them_anew() {
    let (mut bench, zombie) = Bench::with_a_dead_page(OnItemFailure::Fail);
    let all = Redrive { from: Some(0), pages: RedriveItems::All, ..Redrive::default() };
    let redriven = bench.redrive(all).unwrap();
    assert!(matches!(&redriven[0], EventKind::Redriven { step: 0, items: RedrivenItems::Dropped, .. }));
    assert_eq!(bench.run.items, ItemCount::default());
    let first = bench.claim(None, 2).unwrap();
    bench.done(&first, Some(3));
    assert_eq!(bench.pointers(), [(1, Some(0), 2), (1, Some(1), 2), (1, Some(2), 2)]);
    bench.claim(Some(2), 2).unwrap();
    assert_eq!(bench.finish(&zombie, bad()), Err(Refusal::Fenced), "its page is another one now");
    bench.replays();
}

#[test]
fn only_what_died_can_go_on() {
    let mut bench = Bench::new(OnItemFailure::Fail);
    assert_eq!(refused(bench.redrive(Redrive::default())), RedriveRefusal::Status(RunStatus::Queued));
    bench.order(&Command::Cancel).unwrap();
    assert_eq!(refused(bench.redrive(Redrive::default())), RedriveRefusal::Status(RunStatus::Cancelled));
    let (mut other, _) = Bench::with_a_dead_page(OnItemFailure::Fail);
    other.run.version = 7;
    assert_eq!(other.redrive(Redrive::default()), Err(Refusal::OtherVersion { needed: 7, known: 1 }));
}

/// A run whose first page waits for a person, with another at work.
fn paused() -> (Bench, Claim) {
    let mut bench = Bench::with(OnItemFailure::Partial, WhenSpent::Pause);
    bench.open_pages(2);
    for attempt in [1, 2] {
        let claim = bench.claim(Some(0), attempt).unwrap();
        bench.finish(&claim, flaky()).unwrap();
    }
    let other = bench.claim(Some(1), 1).unwrap();
    (bench, other)
}

#[test]
fn a_paused_page_holds_its_run_until_it_is_redriven() {
    let (mut bench, other) = paused();
    assert_eq!(
        (bench.run.status, bench.run.is_paused()),
        (RunStatus::Retrying, true),
        "whatever else goes on"
    );
    assert_eq!(bench.run.error.as_ref().unwrap().code, "FLAKY");
    assert_eq!(bench.claim(Some(0), 3), Err(Refusal::Stale), "nobody else may try it");
    bench.redrive(Redrive::default()).unwrap();
    assert_eq!(bench.pointers(), [(1, Some(0), 3)], "the other page is left alone");
    assert_eq!((bench.run.error.as_ref(), bench.run.is_paused()), (None, false));
    bench.done(&other, None);
    let again = bench.claim(Some(0), 3).unwrap();
    assert_eq!(bench.done(&again, None)[1], EventKind::Opened { step: 2, items: None });
    bench.replays();
}

#[test]
fn the_last_other_page_does_not_end_the_wait() {
    let (mut bench, other) = paused();
    assert_eq!(bench.done(&other, None).len(), 1, "the join waits for the paused one");
    assert_eq!(bench.run.status, RunStatus::Retrying);
}

#[test]
fn a_paused_run_fails_with_the_letter_that_is_discarded() {
    let (mut bench, other) = paused();
    assert_eq!(refused(bench.discard((1, Some(1)))), RedriveRefusal::Settled, "that page is no letter");
    let failed = bench.discard((1, Some(0))).unwrap();
    assert!(matches!(&failed[..], [EventKind::RunFailed { code, .. }] if code == "FLAKY"), "{failed:?}");
    assert_eq!(bench.finish(&other, bad()), Err(Refusal::Ended(RunStatus::Failed)));
    bench.replays();
}

#[test]
fn a_discard_leaves_an_ended_run_as_it_is() {
    let (mut bench, _) = Bench::with_a_dead_page(OnItemFailure::Fail);
    let before = bench.run.clone();
    assert_eq!(bench.discard((1, Some(1))).unwrap(), []);
    assert_eq!(bench.run, before);
}

#[test]
fn a_permanent_failure_pauses_nothing() {
    let mut bench = Bench::with(OnItemFailure::Fail, WhenSpent::Pause);
    let claim = bench.claim(None, 1).unwrap();
    bench.finish(&claim, bad()).unwrap();
    assert_eq!(bench.run.status, RunStatus::Failed);
}
