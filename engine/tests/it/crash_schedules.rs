//! Dying at every named point, and at every pair of them, changes nothing of
//! what a run leaves behind.

mod hook;
mod normal;
mod play;
mod record;

use std::collections::BTreeSet;

use untxt_engine::crash::CrashPoint;

use hook::Crash;
use normal::Normal;
use play::{Play, Trouble, play};
use record::Record;

/// What the run leaves behind when nothing crashes.
async fn undisturbed(trouble: Trouble) -> Normal {
    let record = Record::memory();
    play(&record, &Play { trouble, ..Play::default() }).await.left
}

/// Plays every one and sees that it leaves what it should; the points at which
/// something died.
async fn all_leave_the_same(record: &Record, plays: &[Play]) -> BTreeSet<CrashPoint> {
    let mut died_at = BTreeSet::new();
    for trouble in Trouble::ALL {
        let expected = undisturbed(trouble).await;
        for each in plays.iter().filter(|play| play.trouble == trouble) {
            let played = play(record, each).await;
            assert_eq!(played.left, expected, "{each:#?}");
            died_at.extend(played.died_at);
        }
    }
    died_at
}

fn every_point() -> BTreeSet<CrashPoint> {
    BTreeSet::from(CrashPoint::ALL)
}

/// A drain is what leads to handing back.
fn needs_drain(crashes: &[Crash]) -> bool {
    crashes.iter().any(|crash| crash.point == CrashPoint::HandedBack)
}

#[tokio::test]
async fn nothing_depends_on_who_works_or_how_often_a_delivery_comes() {
    let mut plays = Vec::new();
    for trouble in Trouble::ALL {
        for workers in [1, 2] {
            for doubled in [false, true] {
                for drain in [false, true] {
                    plays.push(Play { trouble, workers, doubled, drain, crashes: Vec::new() });
                }
            }
        }
    }
    all_leave_the_same(&Record::memory(), &plays).await;
}

/// Every point at its pass number `passes`, each under `troubles`.
fn singles(troubles: &[Trouble], passes: u32, doubled: bool) -> Vec<Play> {
    let mut plays = Vec::new();
    for point in CrashPoint::ALL {
        for &trouble in troubles {
            let crashes = match point {
                // The death that makes an orphan comes first.
                CrashPoint::OrphanLost => {
                    vec![Crash { point: CrashPoint::Claimed, passes }, Crash { point, passes: 1 }]
                }
                point => vec![Crash { point, passes }],
            };
            let drain = needs_drain(&crashes);
            plays.push(Play { trouble, workers: 1, doubled, drain, crashes });
        }
    }
    plays
}

#[tokio::test]
async fn every_single_crash_leaves_the_same() {
    let mut died_at = BTreeSet::new();
    for passes in 1..=5 {
        for doubled in [false, true] {
            let plays = singles(&Trouble::ALL, passes, doubled);
            died_at.extend(all_leave_the_same(&Record::memory(), &plays).await);
        }
    }
    assert_eq!(died_at, every_point(), "a point that is never reached proves nothing");
}

/// Every pair of points, each under `troubles`.
fn pairs(troubles: &[Trouble], passes: u32) -> Vec<Play> {
    let mut plays = Vec::new();
    for first in CrashPoint::ALL {
        // A run is submitted but once.
        let passes = if first == CrashPoint::Submitted { 1 } else { passes };
        for second in CrashPoint::ALL {
            for &trouble in troubles {
                let crashes = vec![Crash { point: first, passes }, Crash { point: second, passes: 1 }];
                let drain = needs_drain(&crashes);
                plays.push(Play { trouble, workers: 2, doubled: passes == 2, drain, crashes });
            }
        }
    }
    plays
}

#[tokio::test]
async fn every_pair_of_crashes_leaves_the_same() {
    for passes in [1, 2] {
        let died_at = all_leave_the_same(&Record::memory(), &pairs(&Trouble::ALL, passes)).await;
        assert_eq!(died_at, every_point(), "a point that is never reached proves nothing");
    }
}

#[tokio::test]
async fn every_pair_of_crashes_leaves_the_same_in_sqlite() {
    let died_at = all_leave_the_same(&Record::sqlite().await, &pairs(&[Trouble::Redriven], 1)).await;
    assert_eq!(died_at, every_point());
}

/// Single ones only: a process takes half a second to come up there.
#[tokio::test]
async fn every_single_crash_leaves_the_same_in_postgres() {
    let plays = singles(&[Trouble::Redriven], 1, false);
    let died_at = all_leave_the_same(&Record::postgres().await, &plays).await;
    assert_eq!(died_at, every_point());
}

/// With a queue that outlives its processes, and what they pulled.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_single_crash_leaves_the_same_in_postgres_and_redis() {
    let plays = singles(&[Trouble::Redriven], 1, false);
    let died_at = all_leave_the_same(&Record::postgres_and_redis().await, &plays).await;
    assert_eq!(died_at, every_point());
}
