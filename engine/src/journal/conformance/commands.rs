//! What commands leave behind, and what refused ones don't.

use std::time::Duration;

use serde_json::json;

use super::harness::{JournalHarness, START, claim, delivery, finish, new_run, order, refusal, worker};
use crate::decide::{Claim, Command, Done, Outcome, Refusal};
use crate::error::{Budget, StepError};
use crate::event::OnItemFailure;
use crate::id::RunId;
use crate::journal::dead_letters::DeadLetterFilter;
use crate::journal::{Committed, JournalError};
use crate::new_run::NewRun;
use crate::state::{ItemStatus, RunStatus};

pub(super) async fn a_submission_holds_whole_or_not_at_all(harness: JournalHarness) {
    let known = new_run();
    let committed = harness.journal.submit(vec![known.clone()]).await.unwrap();
    assert_eq!(committed[0].deliveries[0].delivery, delivery(known.id, 0, None, 1));
    assert_eq!(committed[0].run, harness.run(known.id).await);
    assert_eq!(harness.history(known.id).await, committed[0].events);

    let new = new_run();
    let conflict = harness.journal.submit(vec![new.clone(), known.clone()]).await;
    assert!(matches!(conflict, Err(JournalError::Conflict(_))), "{conflict:?}");
    let twice = harness.journal.submit(vec![new.clone(), new.clone()]).await;
    assert!(matches!(twice, Err(JournalError::Conflict(_))), "{twice:?}");
    let unknown = NewRun { definition: "nobody's", ..new_run() };
    let unknown = harness.journal.submit(vec![new.clone(), unknown]).await;
    assert!(matches!(unknown, Err(JournalError::UnknownDefinition(name)) if name == "nobody's"));
    assert_eq!(harness.journal.run(new.id).await.unwrap(), None);
    assert_eq!(harness.history(known.id).await.len(), 1);
}

pub(super) async fn a_run_goes_from_submission_to_completion(harness: JournalHarness) {
    let run = harness.submit_pages(3, OnItemFailure::Fail).await;
    for page in [2, 0, 1] {
        let claim = harness.claim(run, 1, Some(page), 1).await;
        let committed = harness.done(&claim).await;
        assert_eq!(committed.item.unwrap().status, ItemStatus::Done);
    }
    let last = harness.claim(run, 2, None, 1).await;
    let committed = finish(&*harness.journal, &last, json!({"pages": 3}), None).await.unwrap();
    assert_eq!(committed.run.status, RunStatus::Completed);
    assert_eq!(harness.run(run).await, committed.run);
    assert_eq!(harness.history(run).await.len(), 14);
    let part = harness.journal.history(run, 10, 2).await.unwrap();
    assert_eq!(part.iter().map(|event| event.seq).collect::<Vec<_>>(), [11, 12]);

    let items = harness.journal.items(run, 1, 1, 5).await.unwrap();
    let outputs: Vec<_> = items.iter().map(|item| (item.state.index, item.output.clone())).collect();
    assert_eq!(outputs, [(1, json!(1)), (2, json!(2))]);
    assert_eq!(harness.journal.items(run, 1, 0, 1).await.unwrap().len(), 1, "items are paged");
    let summaries = harness.journal.item_summaries(run, 1, 1, 5).await.unwrap();
    let told: Vec<_> = summaries.iter().map(|item| (item.state.clone(), item.output_bytes)).collect();
    let expected: Vec<_> = items.iter().map(|item| (item.state.clone(), 1)).collect();
    assert_eq!(told, expected, "an output of one digit has one byte");
    let outputs = harness.journal.item_outputs(run, 1, 0, 2).await.unwrap();
    assert_eq!(outputs, [(0, "0".to_owned()), (1, "1".to_owned())]);
    assert_eq!(harness.due().await, []);
}

pub(super) async fn a_refused_command_leaves_nothing(harness: JournalHarness) {
    let run = harness.submit().await;
    let held = harness.claim(run, 0, None, 1).await;
    let again = claim(&*harness.journal, delivery(run, 0, None, 1), "w-2").await;
    assert_eq!(refusal(again), Refusal::Held(worker("w-1")));
    let elsewhere = claim(&*harness.journal, delivery(run, 1, Some(0), 1), "w-2").await;
    assert_eq!(refusal(elsewhere), Refusal::Stale);
    let older = Claim { epoch: held.epoch - 1, ..held.clone() };
    assert_eq!(refusal(finish(&*harness.journal, &older, json!(1), None).await), Refusal::Fenced);
    let nobody = RunId::new();
    let unknown = harness.journal.apply(order(nobody, Command::Cancel)).await;
    assert!(matches!(unknown, Err(JournalError::UnknownRun(id)) if id == nobody));
    assert_eq!(harness.history(run).await.len(), 2, "submitted and started once");
}

pub(super) async fn a_failure_is_retried_then_dead(harness: JournalHarness) {
    let run = harness.submit_pages(2, OnItemFailure::Partial).await;
    let first = harness.claim(run, 1, Some(0), 1).await;
    let later = StepError::retry(Budget::Content, "FLAKY", "again").after_ms(5_000);
    let committed = harness.fail(&first, later).await;
    assert_eq!(committed.deliveries[0].due_at, START.after(Duration::from_secs(5)));
    let early = claim(&*harness.journal, delivery(run, 1, Some(0), 2), "w-1").await;
    assert_eq!(refusal(early), Refusal::NotDue(START.after(Duration::from_secs(5))));

    harness.clock.advance(Duration::from_secs(5));
    let second = harness.claim(run, 1, Some(0), 2).await;
    harness.fail(&second, StepError::retry(Budget::Content, "FLAKY", "again")).await;
    let (letters, _) = harness.journal.dead_letters(&DeadLetterFilter::of_run(run), 10, 0).await.unwrap();
    let told = (letters[0].item, letters[0].attempts, letters[0].error.code.as_str());
    assert_eq!((letters.len(), told), (1, (Some(0), 2, "FLAKY")));
    let items = harness.journal.items(run, 1, 0, 10).await.unwrap();
    assert_eq!(items[0].state.status, ItemStatus::Failed);
    assert_eq!(items[0].state.error.as_ref().unwrap().code, "FLAKY");

    let other = harness.claim(run, 1, Some(1), 1).await;
    harness.done(&other).await;
    let last = harness.claim(run, 2, None, 1).await;
    assert_eq!(harness.done(&last).await.run.status, RunStatus::Partial);
    harness.history(run).await;
}

pub(super) async fn a_lost_worker_records_nothing_and_a_handed_back_claim_costs_nothing(
    harness: JournalHarness,
) {
    let run = harness.submit().await;
    let lost = harness.claim(run, 0, None, 1).await;
    harness.journal.apply(order(run, Command::Lose { claim: lost.clone() })).await.unwrap();
    assert_eq!(refusal(finish(&*harness.journal, &lost, json!(1), Some(1)).await), Refusal::Fenced);
    let back = harness.claim(run, 0, None, 2).await;
    assert_eq!(refusal(finish(&*harness.journal, &lost, json!(1), Some(1)).await), Refusal::Fenced);
    let committed = harness.journal.apply(order(run, Command::HandBack { claim: back })).await.unwrap();
    assert_eq!(committed.deliveries[0].delivery, delivery(run, 0, None, 2));
    assert_eq!(harness.due().await, [delivery(run, 0, None, 2)]);
    let claim = harness.claim(run, 0, None, 2).await;
    finish(&*harness.journal, &claim, json!(1), Some(1)).await.unwrap();
    harness.history(run).await;
}

pub(super) async fn a_cancelled_run_has_nothing_due_or_held(harness: JournalHarness) {
    let run = harness.submit_pages(3, OnItemFailure::Fail).await;
    let held = harness.claim(run, 1, Some(1), 1).await;
    assert_eq!(harness.cancel(run).await.run.status, RunStatus::Cancelled);
    let late = finish(&*harness.journal, &held, json!(1), None).await;
    assert_eq!(refusal(late), Refusal::Ended(RunStatus::Cancelled));
    assert_eq!(harness.due().await, []);
    assert_eq!(harness.journal.orphans(START.after(Duration::from_secs(9)), 10).await.unwrap().rows, []);
    assert_eq!(harness.journal.items(run, 1, 1, 1).await.unwrap()[0].output, json!(null));
    harness.history(run).await;
}

pub(super) async fn several_histories_are_read_together_in_parts(harness: JournalHarness) {
    let mut runs = Vec::new();
    for pages in 1..=3 {
        let run = harness.submit_pages(pages, OnItemFailure::Fail).await;
        let page = harness.claim(run, 1, Some(0), 1).await;
        harness.done(&page).await;
        runs.push(run);
    }
    let other = harness.submit_pages(1, OnItemFailure::Fail).await;
    let mut all = Vec::new();
    for run in &runs {
        all.extend(harness.history(*run).await);
    }
    let asked: Vec<RunId> = runs.iter().rev().copied().chain([RunId::new()]).collect();
    for limit in [1, 2, 3, 5, 1_000] {
        let (mut read, mut after, mut parts) = (Vec::new(), None, 0);
        loop {
            let part = harness.journal.histories(&asked, after, limit).await.unwrap();
            read.extend(part.events);
            parts += 1;
            after = part.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(read, all, "{limit} at once");
        assert!(parts > 1 || limit == 1_000, "{limit} at once");
    }
    assert!(all.iter().all(|event| event.run != other));

    let mut counts = harness.journal.item_counts(&asked).await.unwrap();
    counts.sort_unstable_by_key(|(run, _)| *run);
    let counted: Vec<_> = counts.into_iter().map(|(run, items)| (run, items.total, items.done)).collect();
    assert_eq!(counted, [(runs[0], 1, 1), (runs[1], 2, 1), (runs[2], 3, 1)]);
}

pub(super) async fn who_keeps_a_run_holds_its_next_step_in_the_same_commit(harness: JournalHarness) {
    let run = harness.submit_pages(1, OnItemFailure::Fail).await;
    let page = harness.claim(run, 1, Some(0), 1).await;
    let committed = keep(&harness, &page).await.unwrap();
    assert_eq!(committed.deliveries, [], "nobody else is to be pointed at it");
    assert_eq!(harness.due().await, []);
    let next = Claim { slot: delivery(run, 2, None, 1).slot, epoch: committed.run.attempts.epoch };
    assert_eq!(harness.journal.held(&worker("w-1")).await.unwrap().rows, std::slice::from_ref(&next));
    let seq = harness.run(run).await.seq;
    assert_eq!(harness.journal.last_seqs(&[run, RunId::new()]).await.unwrap(), [(run, seq)]);
    // The events of one decision are one row; a reader may begin in its middle.
    let last_two = harness.journal.history(run, seq - 2, 10).await.unwrap();
    assert_eq!(last_two.iter().map(|event| event.seq).collect::<Vec<_>>(), [seq - 1, seq]);
    assert_eq!(harness.journal.history(run, seq - 3, 1).await.unwrap()[0].seq, seq - 2);

    assert_eq!(keep(&harness, &next).await.unwrap().run.status, RunStatus::Completed);
    assert_eq!(harness.journal.held(&worker("w-1")).await.unwrap().rows, []);
    harness.history(run).await;
}

async fn keep(harness: &JournalHarness, claim: &Claim) -> Result<Committed, JournalError> {
    let outcome = Outcome::Done(Done::default());
    let command = Command::Finish { claim: claim.clone(), outcome, keep: true };
    harness.journal.apply(order(claim.slot.run, command)).await
}

/// A journal may remember what it wrote last; whatever another one wrote since
/// then counts all the same.
pub(super) async fn what_is_remembered_is_never_trusted(harness: JournalHarness) {
    let cancelled = harness.submit().await;
    let held = harness.claim(cancelled, 0, None, 1).await;
    harness.other.apply(order(cancelled, Command::Cancel)).await.unwrap();
    let late = finish(&*harness.journal, &held, json!("late"), Some(2)).await;
    assert_eq!(refusal(late), Refusal::Ended(RunStatus::Cancelled));
    assert_eq!(harness.history(cancelled).await.len(), 3);

    let taken = harness.submit().await;
    let held = harness.claim(taken, 0, None, 1).await;
    harness.other.apply(order(taken, Command::Lose { claim: held.clone() })).await.unwrap();
    let again = claim(&*harness.other, delivery(taken, 0, None, 2), "w-2").await.unwrap();
    let late = finish(&*harness.journal, &held, json!("late"), Some(2)).await;
    assert_eq!(refusal(late), Refusal::Fenced);
    finish(&*harness.other, &again, json!("in time"), Some(2)).await.unwrap();
    let page = claim(&*harness.journal, delivery(taken, 1, Some(1), 1), "w-1").await.unwrap();
    finish(&*harness.journal, &page, json!("page"), None).await.unwrap();
    harness.history(taken).await;
}
