//! Guests that nobody wants any more.

use std::time::Instant;

use tokio_util::sync::CancellationToken;
use untxt_plugins::Class;

use crate::places::fill;
use crate::rig::{LATE, PATIENCE, Rig, limits, printed};

async fn cancelled_at_once(guest: &str) {
    let rig = Rig::new(limits());
    let cancel = CancellationToken::new();
    let mut calls = fill(&rig, guest, &cancel).await;
    let began = Instant::now();
    cancel.cancel();
    let mut stopped = 0;
    while let Some(ended) = calls.join_next().await {
        let failed = ended.expect("no panic").expect_err("it has no end of its own");
        match failed.class() {
            Class::Cancelled => stopped += 1,
            // Others without a place.
            class => assert_eq!(class, Class::Park),
        }
    }
    assert!(stopped > 0);
    assert!(began.elapsed() < LATE, "{:?}", began.elapsed());
    rig.works().await;
}

#[tokio::test]
async fn a_guest_that_asks_stops_when_cancelled() {
    cancelled_at_once("slow").await;
}

#[tokio::test]
async fn a_guest_that_never_asks_stops_when_cancelled() {
    cancelled_at_once("spin").await;
}

#[tokio::test]
async fn a_guest_whose_caller_is_gone_gives_its_place_back() {
    let rig = Rig::new(limits());
    let mut calls = fill(&rig, "spin", &CancellationToken::new()).await;
    let full = rig.registry.resolve("simulated-qwen3").await.err().expect("it can't be looked at");
    assert_eq!(full.class(), Class::Park, "{full}");
    // Drops the futures; nobody cancels.
    calls.abort_all();
    while calls.join_next().await.is_some() {}
    let freed = async {
        while rig.read("simulated-qwen3", printed()).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, freed).await.expect("their places are free long before their deadline");
    rig.works().await;
}
