//! What is kept, and what is taken away.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;

use super::harness::{JournalHarness, finish, new_run};
use crate::error::StepError;
use crate::event::OnItemFailure;
use crate::id::RunId;
use crate::journal::JournalError;
use crate::journal::dead_letters::DeadLetterFilter;
use crate::journal::retention::{Pruned, Retention};
use crate::new_run::NewRun;
use crate::state::RunStatus;
use crate::time::Clock;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn histories(keep: Duration) -> Retention {
    Retention { histories: Some(keep), dead_letters: None }
}

impl JournalHarness {
    async fn prune(&self, retention: Retention) -> Pruned {
        self.journal.prune(retention, self.clock.now()).await.unwrap()
    }

    async fn completed(&self) -> RunId {
        let run = self.submit_pages(2, OnItemFailure::Fail).await;
        for page in 0..2 {
            let claim = self.claim(run, 1, Some(page), 1).await;
            self.done(&claim).await;
        }
        let last = self.claim(run, 2, None, 1).await;
        finish(&*self.journal, &last, json!("closed"), None).await.unwrap();
        run
    }

    async fn dead(&self) -> RunId {
        let run = self.submit_pages(1, OnItemFailure::Fail).await;
        let claim = self.claim(run, 1, Some(0), 1).await;
        self.fail(&claim, StepError::permanent("BAD", "no")).await;
        run
    }

    async fn is_pruned(&self, run: RunId) -> bool {
        let history = self.journal.history(run, 0, 10).await;
        let items = self.journal.items(run, 1, 0, 10).await;
        match (history, items) {
            (Err(JournalError::Pruned(one)), Err(JournalError::Pruned(other))) => one == run && other == run,
            (Ok(events), Ok(_)) => {
                assert_ne!(events, [], "neither kept nor said to be gone");
                false
            }
            other => panic!("pruned by half: {other:?}"),
        }
    }
}

pub(super) async fn what_ended_long_ago_loses_its_history_and_keeps_its_row(harness: JournalHarness) {
    let (old, open) = (harness.completed().await, harness.submit_pages(2, OnItemFailure::Fail).await);
    harness.claim(open, 1, Some(1), 1).await;
    let before = harness.run(old).await;
    harness.clock.advance(DAY);
    let young = harness.completed().await;
    harness.clock.advance(DAY);

    assert_eq!(harness.prune(Retention::default()).await, Pruned::default(), "kept for ever");
    assert_eq!(harness.prune(histories(3 * DAY)).await, Pruned::default());
    let pruned = harness.prune(histories(DAY)).await;
    assert_eq!(pruned, Pruned { runs: 1, dead_letters: 0, more: false });
    assert_eq!(harness.prune(histories(DAY)).await, Pruned::default(), "once");
    assert!(harness.is_pruned(old).await);
    assert_eq!(harness.run(old).await, before, "how it ended stays");
    assert_eq!(harness.run(old).await.status, RunStatus::Completed);
    assert!(!harness.is_pruned(young).await && !harness.is_pruned(open).await);
    assert_eq!(harness.history(young).await.len(), 12);

    harness.clock.advance(365 * DAY);
    assert_eq!(harness.prune(histories(DAY)).await.runs, 1, "the open one is never touched");
    assert!(!harness.is_pruned(open).await);
    let claim = harness.claim(open, 1, Some(0), 1).await;
    harness.done(&claim).await;
    harness.journal.erase(old, Vec::new()).await.unwrap();
    assert_eq!(harness.journal.history(old, 0, 10).await.unwrap(), [], "erased is not pruned");
}

pub(super) async fn a_dead_letter_that_waits_keeps_its_run_until_it_goes_itself(harness: JournalHarness) {
    let (dead, alive) = (harness.dead().await, harness.submit_pages(2, OnItemFailure::Partial).await);
    let claim = harness.claim(alive, 1, Some(0), 1).await;
    harness.fail(&claim, StepError::permanent("BAD", "no")).await;
    harness.clock.advance(10 * DAY);
    assert_eq!(harness.prune(histories(DAY)).await, Pruned::default());
    assert!(!harness.is_pruned(dead).await);

    let letters = |keep| Retention { histories: Some(DAY), dead_letters: Some(keep) };
    assert_eq!(harness.prune(letters(20 * DAY)).await, Pruned::default());
    let pruned = harness.prune(letters(DAY)).await;
    assert_eq!(pruned, Pruned { runs: 1, dead_letters: 1, more: false }, "not of a run that goes on");
    assert!(harness.is_pruned(dead).await);
    assert_eq!(harness.run(dead).await.status, RunStatus::Failed);
    let (left, _) = harness.journal.dead_letters(&DeadLetterFilter::default(), 10, 0).await.unwrap();
    assert_eq!(left.iter().map(|letter| letter.run).collect::<Vec<_>>(), [alive]);
}

pub(super) async fn much_is_pruned_in_calls_that_stay_short(harness: JournalHarness) {
    let runs: Vec<NewRun> = (0..205).map(|_| NewRun { definition: "plain", ..new_run() }).collect();
    let ids: Vec<RunId> = runs.iter().map(|run| run.id).collect();
    harness.journal.submit(runs).await.unwrap();
    join_all(ids.iter().map(|run| harness.cancel(*run))).await;
    harness.clock.advance(2 * DAY);
    assert_eq!(harness.prune(histories(DAY)).await, Pruned { runs: 200, dead_letters: 0, more: true });
    // Two at once take different ones, or one of them takes all.
    let other = async || harness.other.prune(histories(DAY), harness.clock.now()).await.unwrap();
    let (here, there) = tokio::join!(harness.prune(histories(DAY)), other());
    assert_eq!(here.runs + there.runs, 5);
    for run in ids {
        assert!(matches!(harness.journal.history(run, 0, 1).await, Err(JournalError::Pruned(_))));
    }
}
