//! What operators are shown.

use std::time::Duration;

use super::harness::{JournalHarness, START, claim, delivery, finish, new_run, order, worker};
use crate::decide::Command;
use crate::error::{Budget, StepError};
use crate::event::OnItemFailure;
use crate::id::{RunId, Slot};
use crate::journal::inspect::Backlog;
use crate::new_run::NewRun;

fn later(code: &str, seconds: u64) -> StepError {
    StepError::retry(Budget::Throttle, code, format!("{code} says why")).after_ms(seconds * 1_000)
}

pub(super) async fn retries_are_what_failed_and_waits_the_latest_due_first(harness: JournalHarness) {
    let pages = harness.submit_pages(4, OnItemFailure::Fail).await;
    let failed = harness.claim(pages, 1, Some(0), 1).await;
    harness.fail(&failed, later("BUSY", 5)).await;
    let lost = harness.claim(pages, 1, Some(1), 1).await;
    harness.journal.apply(order(pages, Command::Lose { claim: lost })).await.unwrap();
    // Neither is a retry: never begun, and given back unbegun.
    let back = harness.claim(pages, 1, Some(2), 1).await;
    harness.journal.apply(order(pages, Command::HandBack { claim: back })).await.unwrap();
    let whole = NewRun { tenant: "other".to_owned(), ..new_run() };
    harness.journal.submit(vec![whole.clone()]).await.unwrap();
    let step = harness.claim(whole.id, 0, None, 1).await;
    harness.fail(&step, later("AWAY", 9)).await;
    harness.submit().await;

    let (retries, total) = harness.journal.retries(10, 0).await.unwrap();
    let slot = |run: RunId, step, item| Slot { run, step, item };
    let told: Vec<_> = retries
        .iter()
        .map(|retry| (retry.slot, retry.attempt, retry.due_at, retry.failure.as_ref().unwrap().code.as_str()))
        .collect();
    let at = |seconds| START.after(Duration::from_secs(seconds));
    let expected = [
        (slot(whole.id, 0, None), 2, at(9), "AWAY"),
        (slot(pages, 1, Some(0)), 2, at(5), "BUSY"),
        (slot(pages, 1, Some(1)), 2, at(0), "WORKER_LOST"),
    ];
    assert_eq!((told.as_slice(), total), (expected.as_slice(), 3));
    assert_eq!((retries[0].tenant.as_str(), retries[0].definition.as_str()), ("other", "w"));
    assert_eq!(retries[0].failure.as_ref().unwrap().message, "AWAY says why");
    assert!(retries[2].failure.as_ref().unwrap().message.starts_with("worker w-1 vanished"));

    let (page, total) = harness.journal.retries(1, 1).await.unwrap();
    assert_eq!((page, total), (retries[1..2].to_vec(), 3));
    assert_eq!(harness.journal.retries(5, u64::MAX).await.unwrap(), (Vec::new(), 3));

    harness.claim(pages, 1, Some(1), 2).await;
    harness.cancel(whole.id).await;
    let (left, total) = harness.journal.retries(10, 0).await.unwrap();
    assert_eq!((left.as_slice(), total), (&retries[1..2], 1), "begun again, and ended");
    harness.cancel(pages).await;
    assert_eq!(harness.journal.retries(10, 0).await.unwrap(), (Vec::new(), 0));
}

pub(super) async fn a_workflows_open_work_is_counted_and_its_holders_are_named(harness: JournalHarness) {
    let pages = harness.submit_pages(4, OnItemFailure::Fail).await;
    let whole = harness.submit().await;
    let plain = NewRun { definition: "plain", ..new_run() };
    harness.journal.submit(vec![plain.clone()]).await.unwrap();
    let failed = harness.claim(pages, 1, Some(0), 1).await;
    harness.fail(&failed, later("BUSY", 5)).await;
    claim(&*harness.journal, delivery(pages, 1, Some(1), 1), "w-2").await.unwrap();
    let held = harness.claim(whole, 0, None, 1).await;

    let backlog = async |workflow| harness.journal.backlog(workflow, START).await.unwrap();
    let oldest_due_at = Some(START);
    assert_eq!(backlog("w").await, Backlog { ready: 2, scheduled: 1, held: 2, oldest_due_at });
    assert_eq!(backlog("plain").await, Backlog { ready: 1, scheduled: 0, held: 0, oldest_due_at });
    assert_eq!(backlog("nobody's").await, Backlog::default());

    let told = async |limit| -> Vec<_> {
        let holdings = harness.journal.holdings(limit).await.unwrap();
        holdings.into_iter().map(|held| (held.worker, held.slot, held.attempt)).collect()
    };
    let first = (worker("w-1"), Slot { run: whole, step: 0, item: None }, 1);
    let second = (worker("w-2"), Slot { run: pages, step: 1, item: Some(1) }, 1);
    assert_eq!(told(10).await, [first.clone(), second.clone()]);
    assert_eq!(told(1).await, [first]);
    finish(&*harness.journal, &held, serde_json::Value::Null, Some(1)).await.unwrap();
    assert_eq!(told(10).await, [second]);
    harness.cancel(pages).await;
    assert_eq!(told(10).await, [], "an ended run is held by nobody");
}
