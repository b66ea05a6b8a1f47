//! What the lists show.

use std::time::Duration;

use serde_json::json;

use super::harness::{JournalHarness, START, claim, delivery, new_run, refusal, worker};
use crate::decide::Refusal;
use crate::error::StepError;
use crate::event::OnItemFailure;
use crate::id::RunId;
use crate::journal::audit::AuditEntry;
use crate::journal::dead_letters::DeadLetterFilter;
use crate::journal::{JournalError, RunFilter};
use crate::new_run::NewRun;
use crate::state::RunStatus;
use crate::time::Timestamp;

pub(super) async fn due_is_what_nobody_holds_most_urgent_first(harness: JournalHarness) {
    let pages = harness.submit_pages(2, OnItemFailure::Fail).await;
    let urgent = NewRun { priority: 9, ..new_run() };
    let plain = NewRun { definition: "plain", ..new_run() };
    harness.journal.submit(vec![urgent.clone(), plain.clone()]).await.unwrap();
    let page = |item| delivery(pages, 1, Some(item), 1);
    assert_eq!(harness.due().await, [delivery(urgent.id, 0, None, 1), page(0), page(1)]);
    let one = harness.journal.due("w", START, None, 1).await.unwrap().rows;
    assert_eq!((one.len(), one[0].priority, one[0].tenant.as_str()), (1, 9, "t"));
    let other = harness.journal.due("plain", START, None, 10).await.unwrap().rows;
    assert_eq!(other[0].delivery.slot.run, plain.id);
    assert_eq!(harness.journal.due("w", Timestamp(START.0 - 1), None, 10).await.unwrap().rows, []);

    let held = harness.claim(pages, 1, Some(0), 1).await;
    harness.claim(urgent.id, 0, None, 1).await;
    assert_eq!(harness.due().await, [page(1)]);
    harness.fail(&held, StepError::permanent("BAD", "no")).await;
    assert_eq!(harness.due().await, [], "the run has failed with its page");
}

pub(super) async fn orphans_are_held_by_the_silent_and_the_gone(harness: JournalHarness) {
    let pages = harness.submit_pages(2, OnItemFailure::Fail).await;
    let run = harness.submit().await;
    let (alive, silent, gone) = (worker("alive"), worker("silent"), worker("gone"));
    harness.journal.heartbeat(&silent, START).await.unwrap();
    harness.journal.heartbeat(&gone, START.after(Duration::from_secs(9))).await.unwrap();
    harness.journal.heartbeat(&alive, START).await.unwrap();
    harness.journal.heartbeat(&alive, START.after(Duration::from_secs(9))).await.unwrap();
    claim(&*harness.journal, delivery(pages, 1, Some(0), 1), "alive").await.unwrap();
    let silents = claim(&*harness.journal, delivery(pages, 1, Some(1), 1), "silent").await.unwrap();
    let gones = claim(&*harness.journal, delivery(run, 0, None, 1), "gone").await.unwrap();

    let since = START.after(Duration::from_secs(1));
    let orphans = harness.journal.orphans(since, 10).await.unwrap().rows;
    assert_eq!((orphans.len(), &orphans[0].claim, &orphans[0].worker), (1, &silents, &silent));
    let entry = |action: &str| AuditEntry {
        at: START,
        actor: "ann".to_owned(),
        action: action.to_owned(),
        subject: "worker alive".to_owned(),
        detail: json!({}),
    };
    assert!(harness.journal.drain(&alive, true, entry("drain")).await.unwrap());
    assert!(!harness.journal.drain(&worker("never was"), true, entry("drain")).await.unwrap());
    assert!(harness.journal.heartbeat(&alive, START.after(Duration::from_secs(9))).await.unwrap());
    assert!(!harness.journal.heartbeat(&gone, START.after(Duration::from_secs(9))).await.unwrap());
    assert_eq!(harness.journal.audited(None, 9).await.unwrap().len(), 1);
    harness.journal.retire(&[gone.clone(), worker("never was")]).await.unwrap();
    let orphans = harness.journal.orphans(since, 10).await.unwrap().rows;
    let mut held: Vec<_> = orphans.into_iter().map(|orphan| orphan.claim).collect();
    held.sort_by_key(|claim| claim.slot);
    assert_eq!(held, [silents, gones]);
    assert_eq!(harness.journal.orphans(since, 1).await.unwrap().rows.len(), 1);
    let workers = harness.journal.workers().await.unwrap();
    let names: Vec<_> = workers.iter().map(|row| (row.name.as_str(), row.started_at)).collect();
    assert_eq!(names, [("alive", START), ("silent", START)]);
    assert_eq!(workers[0].heartbeat_at, START.after(Duration::from_secs(9)));
}

pub(super) async fn runs_are_listed_newest_first_and_paged(harness: JournalHarness) {
    let mut newest_first: Vec<RunId> = Vec::new();
    for tenant in ["a", "b", "a", "a"] {
        let new = NewRun { tenant: tenant.to_owned(), ..new_run() };
        newest_first.insert(0, new.id);
        harness.journal.submit(vec![new]).await.unwrap();
        harness.clock.advance(Duration::from_millis(1));
    }
    harness.cancel(newest_first[0]).await;
    let list = async |filter: RunFilter, limit, offset| {
        let (runs, total) = harness.journal.runs(&filter, limit, offset).await.unwrap();
        (runs.into_iter().map(|run| run.id).collect::<Vec<_>>(), total)
    };
    assert_eq!(list(RunFilter::default(), 10, 0).await, (newest_first.clone(), 4));
    assert_eq!(list(RunFilter::default(), 2, 1).await, (newest_first[1..3].to_vec(), 4));
    let of_a = RunFilter { tenant: Some("a".to_owned()), statuses: vec![RunStatus::Queued] };
    assert_eq!(list(of_a, 10, 0).await, (vec![newest_first[1], newest_first[3]], 2));
}

pub(super) async fn dead_letters_are_listed_and_erased_with_their_run(harness: JournalHarness) {
    let mut runs = Vec::new();
    for _ in 0..3 {
        let run = harness.submit_pages(1, OnItemFailure::Fail).await;
        let claim = harness.claim(run, 1, Some(0), 1).await;
        harness.fail(&claim, StepError::permanent("BAD", "no")).await;
        harness.clock.advance(Duration::from_millis(1));
        runs.insert(0, run);
    }
    let listed = async |limit, offset| -> Vec<RunId> {
        let all = DeadLetterFilter::default();
        let (letters, _) = harness.journal.dead_letters(&all, limit, offset).await.unwrap();
        letters.into_iter().map(|letter| letter.run).collect()
    };
    assert_eq!(listed(10, 0).await, runs);
    assert_eq!(listed(1, 1).await, runs[1..2]);
    let (open, never) = (harness.submit().await, RunId::new());
    let ended = harness.journal.ended(&[runs[0], open, never]).await.unwrap();
    assert_eq!(ended, [runs[0], never]);

    assert_eq!(refusal(harness.journal.erase(open, Vec::new()).await), Refusal::Stale);
    let unknown = harness.journal.erase(never, Vec::new()).await;
    assert!(matches!(unknown, Err(JournalError::UnknownRun(_))), "{unknown:?}");
    harness.journal.erase(runs[1], Vec::new()).await.unwrap();
    assert_eq!(harness.journal.run(runs[1]).await.unwrap(), None);
    assert_eq!(harness.journal.history(runs[1], 0, 10).await.unwrap(), []);
    assert_eq!(harness.journal.items(runs[1], 1, 0, 10).await.unwrap(), []);
    assert_eq!(listed(10, 0).await, [runs[0], runs[2]]);
}

pub(super) async fn the_tail_begins_at_the_end_and_goes_on_from_its_cursor(harness: JournalHarness) {
    harness.submit().await;
    let start = harness.journal.tail(None, 10).await.unwrap();
    assert_eq!(start.events, []);
    let run = harness.submit_pages(1, OnItemFailure::Fail).await;
    let first = harness.journal.tail(Some(start.cursor), 3).await.unwrap();
    let second = harness.journal.tail(Some(first.cursor), 10).await.unwrap();
    let events: Vec<_> = first.events.iter().chain(&second.events).cloned().collect();
    assert_eq!(events, harness.history(run).await);
    assert_eq!(harness.journal.tail(Some(second.cursor), 10).await.unwrap().cursor, second.cursor);

    harness.cancel(run).await;
    harness.journal.erase(run, Vec::new()).await.unwrap();
    let next = harness.submit().await;
    let third = harness.journal.tail(Some(second.cursor), 10).await.unwrap();
    assert_eq!(third.events, harness.history(next).await, "a position is never given twice");
}
