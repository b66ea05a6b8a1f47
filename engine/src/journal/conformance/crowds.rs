//! Many at once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;
use tokio::task::JoinSet;

use super::harness::{JournalHarness, claim, delivery, finish, new_run, order};
use crate::decide::{Command, Redrive};
use crate::error::StepError;
use crate::event::{EventKind, OnItemFailure};
use crate::id::RunId;
use crate::journal::Journal;
use crate::journal::dead_letters::{DeadLetterFilter, DeadLetterStatus};
use crate::new_run::NewRun;
use crate::state::RunStatus;

const PAGES: u32 = 500;

pub(super) async fn five_hundred_items_join_exactly_once(harness: JournalHarness) {
    let run = harness.submit_pages(PAGES, OnItemFailure::Fail).await;
    let next = Arc::new(AtomicU32::new(0));
    let mut workers = JoinSet::new();
    for number in 0..8 {
        let journal = if number % 2 == 0 { harness.journal.clone() } else { harness.other.clone() };
        workers.spawn(recognise(journal, run, next.clone()));
    }
    let opened: u32 = workers.join_all().await.into_iter().sum();
    assert_eq!(opened, 1, "one commit saw itself as the last");

    let last = harness.claim(run, 2, None, 1).await;
    assert_eq!(harness.done(&last).await.run.status, RunStatus::Completed);
    let history = harness.history(run).await;
    let joins = history.iter().filter(|event| matches!(event.kind, EventKind::Opened { step: 2, .. }));
    assert_eq!(joins.count(), 1);
    let items = harness.journal.items(run, 1, 0, PAGES).await.unwrap();
    assert!(items.iter().zip(0..PAGES).all(|(item, index)| item.output == json!(index)));
}

/// Does pages until there are none; how often the join was this worker's.
async fn recognise(journal: Arc<dyn Journal>, run: RunId, next: Arc<AtomicU32>) -> u32 {
    let mut opened = 0;
    loop {
        let page = next.fetch_add(1, Ordering::SeqCst);
        if page >= PAGES {
            return opened;
        }
        let claim = claim(&*journal, delivery(run, 1, Some(page), 1), "w").await.unwrap();
        let committed = finish(&*journal, &claim, json!(page), None).await.unwrap();
        opened += u32::try_from(committed.deliveries.len()).unwrap();
    }
}

pub(super) async fn one_of_many_workers_gets_the_delivery(harness: JournalHarness) {
    let run = harness.submit().await;
    let mut workers = JoinSet::new();
    for number in 0..16 {
        let journal = if number % 2 == 0 { harness.journal.clone() } else { harness.other.clone() };
        workers.spawn(async move {
            claim(&*journal, delivery(run, 0, None, 1), &format!("w-{number}")).await.is_ok()
        });
    }
    let won = workers.join_all().await.into_iter().filter(|won| *won).count();
    assert_eq!(won, 1);
    assert_eq!(harness.history(run).await.len(), 2);
}

/// Letters of a crowd; `UNTXT_LETTERS=10000` for a full one.
fn crowd() -> usize {
    std::env::var("UNTXT_LETTERS").ok().and_then(|count| count.parse().ok()).unwrap_or(500)
}

pub(super) async fn a_crowd_of_letters_is_listed_filtered_and_redriven(harness: JournalHarness) {
    let new = |at: usize| NewRun { definition: "plain", tenant: format!("t{}", at % 7), ..new_run() };
    let runs: Vec<NewRun> = (0..crowd()).map(new).collect();
    for page in runs.chunks(64) {
        join_all(page.iter().map(|run| async {
            harness.journal.submit(vec![run.clone()]).await.unwrap();
            let claim = harness.claim(run.id, 0, None, 1).await;
            harness.fail(&claim, StepError::permanent("TORN", format!("run {} is torn", run.id))).await;
        }))
        .await;
    }
    let (filter, began) = (DeadLetterFilter::default(), Instant::now());
    let (newest, total) = harness.journal.dead_letters(&filter, 50, 0).await.unwrap();
    assert_eq!((newest.len(), total), (50, runs.len() as u64));
    let listed = began.elapsed();
    let waiting = DeadLetterFilter { state: Some(DeadLetterStatus::Waiting), ..filter };
    let of_one =
        DeadLetterFilter { tenant: Some("t3".to_owned()), code: Some("TORN".to_owned()), ..waiting.clone() };
    let (_, total) = harness.journal.dead_letters(&of_one, 50, 0).await.unwrap();
    assert_eq!(total, runs.iter().filter(|run| run.tenant == "t3").count() as u64);
    assert_eq!(harness.journal.dead_letter_groups(&waiting, 10).await.unwrap().len(), 1);
    let filtered = began.elapsed() - listed;
    for page in runs.chunks(64) {
        let redrive = |run: &NewRun| order(run.id, Command::Redrive(Redrive::default()));
        let redriven = join_all(page.iter().map(|run| harness.journal.apply(redrive(run)))).await;
        assert!(redriven.iter().all(Result::is_ok));
    }
    assert_eq!(harness.journal.dead_letters(&waiting, 1, 0).await.unwrap().1, 0);
    let redriven = began.elapsed() - listed - filtered;
    // Wide bounds: they tell a walk over all rows for each letter from an index.
    let quick = listed + filtered < Duration::from_secs(5) && redriven < Duration::from_secs(120);
    assert!(quick, "listed in {listed:?}, filtered in {filtered:?}, redriven in {redriven:?}");
}

pub(super) async fn the_tail_misses_nothing_of_two_journals_that_write_at_once(harness: JournalHarness) {
    const RUNS: usize = 160;
    let mut cursor = harness.journal.tail(None, 1).await.unwrap().cursor;
    let mut writers = JoinSet::new();
    for number in 0..8 {
        let journal = if number % 2 == 0 { harness.journal.clone() } else { harness.other.clone() };
        writers.spawn(async move {
            for _ in 0..RUNS / 8 {
                let run = journal.submit(vec![new_run()]).await.unwrap()[0].run.id;
                journal.apply(order(run, Command::Cancel)).await.unwrap();
            }
        });
    }
    let mut seen: BTreeMap<RunId, Vec<u64>> = BTreeMap::new();
    while seen.values().map(Vec::len).sum::<usize>() < 2 * RUNS {
        // Asked before the tail is read: what is written by then must show.
        while let Some(done) = writers.try_join_next() {
            done.unwrap();
        }
        let all_written = writers.is_empty();
        let tail = harness.journal.tail(Some(cursor), 7).await.unwrap();
        assert!(!all_written || !tail.events.is_empty(), "the tail ends early: {seen:?}");
        cursor = tail.cursor;
        for event in tail.events {
            seen.entry(event.run).or_default().push(event.seq);
        }
        tokio::task::yield_now().await;
    }
    assert!(seen.values().all(|seqs| *seqs == [1, 2]), "each run's events in their order");
    assert_eq!(seen.len(), RUNS);
}
