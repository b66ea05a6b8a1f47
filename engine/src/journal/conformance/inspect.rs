//! What operators are shown.

use std::time::Duration;

use super::harness::{JournalHarness, START, claim, delivery, finish, new_run, order, refusal, worker};
use crate::decide::{Command, Refusal, RetryOrder};
use crate::error::{Budget, StepError};
use crate::event::OnItemFailure;
use crate::id::{RunId, Slot};
use crate::journal::dead_letters::DeadLetterFilter;
use crate::journal::inspect::Backlog;
use crate::new_run::NewRun;
use crate::retry::DeadReason;

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

pub(super) async fn a_retry_is_made_now_or_given_up_and_it_is_written_down_by_whom(harness: JournalHarness) {
    let pages = harness.submit_pages(3, OnItemFailure::Partial).await;
    for page in 0..2 {
        let failed = harness.claim(pages, 1, Some(page), 1).await;
        harness.fail(&failed, later("BUSY", 500)).await;
    }
    let by_ann = |item| RetryOrder { step: 1, item, by: "ann".to_owned(), reason: "it is back".to_owned() };
    let now = harness.journal.apply(order(pages, Command::RetryNow(by_ann(Some(0))))).await.unwrap();
    let due: Vec<_> = now.deliveries.iter().map(|due| (due.delivery, due.due_at)).collect();
    assert_eq!(due, [(delivery(pages, 1, Some(0), 2), START)]);
    for nothing in [None, Some(0), Some(2), Some(3)] {
        let refused = harness.journal.apply(order(pages, Command::RetryNow(by_ann(nothing)))).await;
        assert_eq!(refusal(refused), Refusal::NoRetry, "{nothing:?}");
    }
    let claim = harness.claim(pages, 1, Some(0), 2).await;
    let held = harness.journal.apply(order(pages, Command::GiveUp(by_ann(Some(0)), later("BUSY", 5)))).await;
    assert_eq!(refusal(held), Refusal::NoRetry);
    harness.done(&claim).await;

    harness.journal.apply(order(pages, Command::GiveUp(by_ann(Some(1)), later("BUSY", 5)))).await.unwrap();
    let letter = harness.letters(DeadLetterFilter::of_run(pages)).await.remove(0);
    assert_eq!((letter.item, letter.attempts, letter.error.code.as_str()), (Some(1), 1, "BUSY"));
    assert_eq!((letter.reason, harness.run(pages).await.items.failed), (DeadReason::Permanent, 1));
    let audit = harness.journal.audited(None, 10).await.unwrap();
    let told: Vec<_> =
        audit.iter().map(|line| (line.entry.actor.as_str(), line.entry.action.as_str())).collect();
    assert_eq!(told, [("ann", "give-up-retry"), ("ann", "retry-now")]);
    assert_eq!(audit[0].entry.detail["item"], 1);
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
